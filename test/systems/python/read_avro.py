"""
Reads Avro values that stand alone, by a schema in a file: fastavro.

    read_avro.py SCHEMA_FILE HEX...

Prints a JSON line per value; what is no JSON is printed as Python writes it.
"""

import io
import json
import sys

import fastavro

with open(sys.argv[1], encoding="utf-8") as file:
    schema = fastavro.parse_schema(json.load(file))
for value in sys.argv[2:]:
    print(json.dumps(fastavro.schemaless_reader(io.BytesIO(bytes.fromhex(value)), schema), default=str))
