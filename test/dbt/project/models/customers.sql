select customer_id, count(*) as products, max(updated_at) as updated_at
from {{ ref('customer_entitlements') }}
group by customer_id
