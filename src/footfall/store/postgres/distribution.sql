-- What is asked only of a database with the extension Citus; see distribution.py.

-- name: has_citus
SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')

-- name: plan_for_values
-- Citus finds the shard by a statement's values, so no plan is for all of them.
SELECT set_config('plan_cache_mode', 'auto', false) FROM pg_extension
WHERE extname = 'citus' AND current_setting('plan_cache_mode') = 'force_generic_plan'

-- name: is_distributed
SELECT EXISTS (
  SELECT 1 FROM pg_dist_partition WHERE logicalrelid = 'organization'::regclass
)

-- name: distribute_numbers
-- Read everywhere, and written only when a tenant is made: each node has all of it.
SELECT create_reference_table('organization_number')

-- name: distribute_organization
SELECT create_distributed_table('organization', 'number', colocate_with => 'none')

-- name: undistributed
-- The tables whose rows are known by their organization first, in the order in which
-- they were made, as a foreign key leads to an earlier one.
SELECT relname::text FROM pg_index
JOIN pg_class ON pg_class.oid = indrelid
JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indisprimary AND attname = 'organization'
  AND relnamespace = current_schema()::regnamespace
  AND indrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)
ORDER BY indrelid

-- name: distribute_table
SELECT create_distributed_table(
  :table, 'organization', colocate_with => 'organization'
)

-- name: drop_local_rows
-- What lay in a table before it was distributed is hidden, but still in the files.
SELECT truncate_local_data_after_distributing_table(:table)

-- name: set_on_nodes
-- Unless it is so already. Citus tells all nodes, also those to come.
SELECT 'ALTER ROLE ' || quote_ident(current_user) || ' IN DATABASE '
  || quote_ident(current_database()) || ' SET ' || :setting || ' TO ' || :value
WHERE NOT EXISTS (
  SELECT 1 FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
  WHERE datname = current_database() AND setrole = current_user::regrole
    AND :setting || '=' || :value = ANY (setconfig)
)

-- name: distributed_sizes
SELECT name, citus_total_relation_size(name::regclass)
FROM unnest(ARRAY['event', 'contact', 'stay', 'observation_batch']) AS name

-- name: node
SELECT nodeid FROM pg_dist_node
WHERE nodename = :host AND nodeport = :port AND noderole = 'primary'

-- name: shard
-- The shard of an organization, its node, and whether it is of no other's.
SELECT shardid, nodeid, shardminvalue = shardmaxvalue
FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)
JOIN pg_dist_node USING (groupid)
WHERE noderole = 'primary'
  AND shardid = get_shard_id_for_distribution_column('organization', :organization)

-- name: isolate
SELECT isolate_tenant_to_new_shard('organization', :organization, 'CASCADE')

-- name: move_shard
SELECT citus_move_shard_placement(:shard, :from_node::integer, :node::integer)
