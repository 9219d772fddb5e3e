-- The statements of webhooks; see store/webhooks.py.

-- name: webhook_versions
SELECT organization.id, webhook.id, webhook.version
FROM webhook JOIN organization ON organization.number = webhook.organization
ORDER BY webhook.number

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
WHERE number = :webhook AND organization = :organization RETURNING version

-- name: put_webhook_state
UPDATE webhook SET state = :state
WHERE number = :webhook AND organization = :organization

-- name: delete_webhook
-- Its secrets are overwritten in their place first.
UPDATE webhook SET body = zeroblob(length(body)) WHERE number = :webhook;
DELETE FROM webhook WHERE number = :webhook

-- name: delete_all_pending
DELETE FROM pending_delivery WHERE webhook = :webhook

-- name: pending_deliveries
SELECT arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE webhook = :webhook AND due_at <= :now ORDER BY due_at, arrivals LIMIT :limit

-- name: first_pending
SELECT arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE webhook = :webhook ORDER BY due_at, arrivals LIMIT 1

-- name: count_pending
SELECT count(*) FROM pending_delivery WHERE webhook = :webhook

-- name: put_pending
INSERT INTO pending_delivery
  (webhook, arrivals, organization, attempts, retry_at, due_at, early)
VALUES (:webhook, :arrivals, :organization, :attempts, :retry_at, :due_at, :early)
ON CONFLICT DO UPDATE SET attempts = excluded.attempts, retry_at = excluded.retry_at,
  due_at = excluded.due_at, early = excluded.early

-- name: delete_pending
DELETE FROM pending_delivery WHERE webhook = :webhook AND arrivals = :arrivals

-- name: hasten_pending
-- Spread by the time at which it was to be tried, which is as good as chance.
UPDATE pending_delivery SET due_at = :now + retry_at % :spread
WHERE webhook = :webhook AND due_at > :now + :spread
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
SELECT number FROM delivery WHERE webhook = :webhook
ORDER BY number DESC LIMIT :limit OFFSET :most

-- name: old_deliveries
-- They lie in the order of time, so the oldest are in front.
SELECT number FROM (SELECT number, at FROM delivery ORDER BY number LIMIT 500)
WHERE at < :before

-- name: delete_delivery
-- Overwritten in its place first.
UPDATE delivery SET event = zeroblob(length(event)), answer = zeroblob(length(answer))
WHERE number = :number;
DELETE FROM delivery WHERE number = :number

-- name: erased_deliveries
SELECT number, ifnull(request, number) FROM delivery WHERE contact = :contact
LIMIT :limit

-- name: wipe_answer
-- That of a batch may be about any of those who are in it.
UPDATE delivery SET answer = zeroblob(length(answer)) WHERE number = :number

-- name: deliveries
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, ifnull(first.answer, delivery.answer)
FROM delivery INDEXED BY delivery_by_webhook
LEFT JOIN delivery AS first ON first.number = delivery.request
WHERE delivery.webhook = :webhook AND delivery.number < :before
  AND ifnull(delivery.status = :status, :status IS NULL)
ORDER BY delivery.number DESC LIMIT :limit

-- name: deliveries_of_outcome
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, ifnull(first.answer, delivery.answer)
FROM delivery INDEXED BY delivery_by_outcome
LEFT JOIN delivery AS first ON first.number = delivery.request
WHERE delivery.webhook = :webhook AND delivery.outcome = :outcome
  AND delivery.number < :before
  AND ifnull(delivery.status = :status, :status IS NULL)
ORDER BY delivery.number DESC LIMIT :limit

-- name: deliveries_of_event
SELECT delivery.number, delivery.at, delivery.outcome, delivery.attempt,
  delivery.arrival, delivery.event, delivery.duration, delivery.status,
  delivery.reason, ifnull(first.answer, delivery.answer)
FROM delivery INDEXED BY delivery_by_event
LEFT JOIN delivery AS first ON first.number = delivery.request
WHERE delivery.webhook = :webhook AND delivery.event = :event
  AND delivery.number < :before
ORDER BY delivery.number DESC LIMIT :limit
