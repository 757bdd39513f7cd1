"""
A consumer that is not ours: librdkafka with Confluent's deserializers, which find each schema in the registry by the id in the message.

    consume.py BROKERS REGISTRY TOPIC avro|json|protobuf plain|encoded

Prints a JSON line per record: {"key": ..., "value": ..., "headers": {...}}. Whole numbers are printed as texts, because a reader in JavaScript would round them.
"""

import base64
import importlib
import json
import pathlib
import struct
import sys
import tempfile
import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

BROKERS, REGISTRY, TOPIC, FORMAT, KEYS = sys.argv[1:6]
registry = SchemaRegistryClient({"url": REGISTRY})


def timestamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def plain(value):
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return timestamp(value.astimezone(timezone.utc))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("microseconds")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, Message):
        if value.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
            return timestamp(value.ToDatetime())
        return {field.name: member(value, field) for field in value.DESCRIPTOR.fields}
    raise TypeError(f"{type(value)} is not known here")


def member(message, field):
    value = getattr(message, field.name)
    if field.is_repeated:
        return [element(item, field) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return element(value, field)


def element(value, field):
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.values_by_number[value].name
    return plain(value)


def generated_class(schema_id):
    """What protoc makes of the schema in the registry."""
    from grpc_tools import protoc

    text = registry.get_schema(schema_id).schema_str
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / f"schema_{schema_id}.proto").write_text(text)
    includes = str(pathlib.Path(protoc.__file__).parent / "_proto")
    code = protoc.main(["protoc", f"-I{folder}", f"-I{includes}", f"--python_out={folder}", f"schema_{schema_id}.proto"])
    if code != 0:
        raise SystemExit(f"protoc refuses the schema:\n{text}")
    sys.path.insert(0, str(folder))
    module = importlib.import_module(f"schema_{schema_id}_pb2")
    [first, *_] = module.DESCRIPTOR.message_types_by_name
    return getattr(module, first)


deserializers = {}


def deserialize(data, field):
    if data is None:
        return None
    magic, schema_id = struct.unpack(">bI", data[:5])
    assert magic == 0, "not in Confluent's wire format"
    if schema_id not in deserializers:
        if FORMAT == "avro":
            made = AvroDeserializer(registry)
        elif FORMAT == "json":
            made = JSONDeserializer(registry.get_schema(schema_id).schema_str)
        else:
            # Without the registry: it would ask for a serialized descriptor, which only Confluent's own has.
            made = ProtobufDeserializer(generated_class(schema_id), {"use.deprecated.format": False})
        deserializers[schema_id] = made
    return plain(deserializers[schema_id](data, SerializationContext(TOPIC, field)))


consumer = Consumer(
    {
        "bootstrap.servers": BROKERS,
        "group.id": "consumer-in-python",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }
)
partitions = consumer.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions
consumer.assign([TopicPartition(TOPIC, number, OFFSET_BEGINNING) for number in partitions])
at_end = set()
while len(at_end) < len(partitions):
    record = consumer.poll(30)
    if record is None:
        raise SystemExit("no record and no end of the topic within 30 s")
    if record.error():
        at_end.add(record.partition())
        continue
    key = record.key().decode() if KEYS == "plain" else deserialize(record.key(), MessageField.KEY)
    headers = {name: value.decode() for name, value in record.headers() or []}
    print(json.dumps({"key": key, "value": deserialize(record.value(), MessageField.VALUE), "headers": headers}))
consumer.close()
