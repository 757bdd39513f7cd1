kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic activation.customer.entitlement.v1
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic activation.product.event.v1
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic activation.support.set_priority.v1
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic governance.customer.consent.v1
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation DescribeConfigs --operation Read --operation Write --topic headrace.activation. --resource-pattern-type prefixed
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation Write --transactional-id headrace.activation. --resource-pattern-type prefixed
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:headrace --operation Read --group headrace.activation. --resource-pattern-type prefixed
