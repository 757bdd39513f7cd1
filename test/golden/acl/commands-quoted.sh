kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal 'User:CN=it'\''s me,O=Example Corp' --operation Read --topic headrace.activation.consent.runs
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal 'User:CN=it'\''s me,O=Example Corp' --operation Read --topic headrace.activation.consent.snapshot
kafka-acls.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal 'User:CN=it'\''s me,O=Example Corp' --operation Read --group headrace.activation.consent. --resource-pattern-type prefixed
