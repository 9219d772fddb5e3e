-- The statements of webhooks; see store/webhooks.py.

-- name: webhook_versions
SELECT organization.id, webhook.id, webhook.version
FROM webhook JOIN organization ON organization.number = webhook.organization

-- name: webhooks
SELECT number, version, body, state FROM webhook
WHERE organization = :organization ORDER BY number

-- name: webhook
SELECT number, version, body, state FROM webhook
WHERE organization = :organization AND id = :id

-- name: add_webhook
INSERT INTO webhook (organization, id, version, body, state)
VALUES (:organization, :id, 1, :body, :state) RETURNING number

-- name: change_webhook
UPDATE webhook SET version = version + 1, body = :body, state = :state
WHERE organization = :organization AND number = :webhook RETURNING version

-- name: put_webhook_state
UPDATE webhook SET state = :state
WHERE organization = :organization AND number = :webhook

-- name: delete_webhook
DELETE FROM webhook WHERE organization = :organization AND number = :webhook

-- name: delete_all_pending
DELETE FROM pending_delivery WHERE organization = :organization AND webhook = :webhook

-- name: pending_deliveries
SELECT arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE organization = :organization AND webhook = :webhook AND due_at <= :now
ORDER BY due_at, arrivals LIMIT :limit

-- name: first_pending
SELECT arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE organization = :organization AND webhook = :webhook
ORDER BY due_at, arrivals LIMIT 1

-- name: count_pending
SELECT count(*) FROM pending_delivery
WHERE organization = :organization AND webhook = :webhook

-- name: put_pending
INSERT INTO pending_delivery
  (organization, webhook, arrivals, attempts, retry_at, due_at, early)
VALUES (:organization, :webhook, :arrivals, :attempts, :retry_at, :due_at, :early)
ON CONFLICT (organization, webhook, arrivals) DO UPDATE SET
  attempts = excluded.attempts, retry_at = excluded.retry_at, due_at = excluded.due_at,
  early = excluded.early

-- name: delete_pending
DELETE FROM pending_delivery
WHERE organization = :organization AND webhook = :webhook AND arrivals = :arrivals

-- name: hasten_pending
-- Spread by the time at which it was to be tried, which is as good as chance.
UPDATE pending_delivery SET due_at = :now + mod(retry_at, :spread)
WHERE organization = :organization AND webhook = :webhook AND due_at > :now + :spread
  AND early < :early_max

-- name: add_delivery
INSERT INTO delivery (
  organization, webhook, request, at, outcome, attempt, arrival, contact, duration,
  status, reason, event, answer
) VALUES (
  :organization, :webhook, :request, :at, :outcome, :attempt, :arrival, :contact,
  :duration, :status, :reason, :event, :answer
) RETURNING number

-- name: surplus_deliveries
SELECT number FROM delivery WHERE organization = :organization AND webhook = :webhook
ORDER BY number DESC LIMIT :limit OFFSET :most

-- name: delete_delivery
DELETE FROM delivery WHERE organization = :organization AND number = :number

-- name: forget_deliveries
DELETE FROM delivery WHERE organization = :organization AND number IN (
  SELECT number FROM delivery
  WHERE organization = :organization AND at < :before LIMIT 500
)
RETURNING number

-- name: erase_deliveries
-- The answer to a batch may be about any of those who are in it.
WITH chosen AS (
  SELECT number, request FROM delivery
  WHERE organization = :organization AND contact = :contact LIMIT :limit
), wiped AS (
  UPDATE delivery SET answer = '' WHERE organization = :organization
    AND number IN (SELECT request FROM chosen)
    AND number NOT IN (SELECT number FROM chosen)
), erased AS (
  DELETE FROM delivery WHERE organization = :organization
    AND number IN (SELECT number FROM chosen)
  RETURNING number
)
SELECT count(*) FROM erased

-- name: deliveries
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, coalesce((
    SELECT first.answer FROM delivery AS first
    WHERE first.organization = :organization AND first.number = delivery.request
  ), delivery.answer)
FROM delivery
WHERE delivery.organization = :organization AND delivery.webhook = :webhook
  AND delivery.number < :before
  AND coalesce(delivery.status = :status::bigint, :status::bigint IS NULL)
ORDER BY delivery.number DESC LIMIT :limit

-- name: deliveries_of_outcome
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, coalesce((
    SELECT first.answer FROM delivery AS first
    WHERE first.organization = :organization AND first.number = delivery.request
  ), delivery.answer)
FROM delivery
WHERE delivery.organization = :organization AND delivery.webhook = :webhook
  AND delivery.outcome = :outcome AND delivery.number < :before
  AND coalesce(delivery.status = :status::bigint, :status::bigint IS NULL)
ORDER BY delivery.number DESC LIMIT :limit

-- name: deliveries_of_event
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, coalesce((
    SELECT first.answer FROM delivery AS first
    WHERE first.organization = :organization AND first.number = delivery.request
  ), delivery.answer)
FROM delivery
WHERE delivery.organization = :organization AND delivery.webhook = :webhook
  AND delivery.event = :event AND delivery.number < :before
ORDER BY delivery.number DESC LIMIT :limit
