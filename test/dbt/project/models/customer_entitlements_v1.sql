select customer_id, product_code, plan_code, seats, updated_at
from {{ ref('stg_entitlements') }}
