select
  cast(customer_id as varchar) as customer_id,
  cast(product_code as varchar) as product_code,
  cast(plan_code as varchar) as plan_code,
  cast(mrr as numeric(10, 2)) as mrr,
  cast(account_id as bigint) as account_id,
  cast(started_at as timestamptz) as started_at,
  cast(updated_at as timestamptz) as updated_at
from {{ ref('stg_entitlements') }}
