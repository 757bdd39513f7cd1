kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic activation.customer.entitlement.v1
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Write --topic headrace.activation.customer-entitlement.quarantine
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic headrace.activation.customer-entitlement.runs
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic headrace.activation.customer-entitlement.snapshot
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation Write --transactional-id headrace.activation._doctor
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation Write --transactional-id headrace.activation.customer-entitlement
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation Read --group headrace.activation.customer-entitlement. --resource-pattern-type prefixed
