-- What was spent before there were sums of it: out of the calls, by the rules of assay.store.spend.

/*sqlite:
INSERT INTO spend
SELECT at / 86400000000, COALESCE(key_id, ''), COALESCE(user_id, ''), COALESCE(team_id, ''), provider, model, purpose,
  COALESCE(cost_currency, ''), COUNT(*),
  SUM(CASE WHEN outcome IN ('error', 'timeout') THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'ok' AND cost_nano IS NULL THEN 1 ELSE 0 END),
  SUM(CASE WHEN low_nano IS NULL THEN 0 ELSE 1 END),
  SUM(COALESCE(input_tokens, 0) - cache_read - cache_write), SUM(cache_read), SUM(cache_write), SUM(COALESCE(output_tokens, 0)),
  SUM(COALESCE(cost_nano, 0)), SUM(COALESCE(low_nano, cost_nano, 0)), SUM(COALESCE(high_nano, cost_nano, 0))
FROM (
    SELECT calls.*, COALESCE(json_extract(usage, '$.cache_read'), 0) AS cache_read,
      COALESCE(json_extract(usage, '$.cache_write_5m'), 0) + COALESCE(json_extract(usage, '$.cache_write_1h'), 0) AS cache_write
    FROM calls
) AS counted
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
*/

/*postgresql:
INSERT INTO spend
SELECT at / 86400000000, COALESCE(key_id, ''), COALESCE(user_id, ''), COALESCE(team_id, ''), provider, model, purpose,
  COALESCE(cost_currency, ''), COUNT(*),
  SUM(CASE WHEN outcome IN ('error', 'timeout') THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'ok' AND cost_nano IS NULL THEN 1 ELSE 0 END),
  SUM(CASE WHEN low_nano IS NULL THEN 0 ELSE 1 END),
  SUM(COALESCE(input_tokens, 0) - cache_read - cache_write), SUM(cache_read), SUM(cache_write), SUM(COALESCE(output_tokens, 0)),
  SUM(COALESCE(cost_nano, 0)), SUM(COALESCE(low_nano, cost_nano, 0)), SUM(COALESCE(high_nano, cost_nano, 0))
FROM (
    SELECT calls.*, COALESCE((usage::json ->> 'cache_read')::bigint, 0) AS cache_read,
      COALESCE((usage::json ->> 'cache_write_5m')::bigint, 0) + COALESCE((usage::json ->> 'cache_write_1h')::bigint, 0) AS cache_write
    FROM calls
) AS counted
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
*/
