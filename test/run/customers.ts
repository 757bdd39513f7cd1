/** A model of customers with a cursor, as many tests read it. */
export const CUSTOMERS_MODEL = `
model: customers
warehouse: main
table: customers
key: [id]
cursor: { column: updated_at, lookback: 1s, nulls: never }
deletes: { missing_rows: true }
`;

/** A mapping of it whose fact is a tier; `rest` says the class, and whatever else. */
export const customerMapping = (name: string, rest: string): string => `
mapping: ${name}
fact: ${name}
version: "1.0"
model: customers
topic: PREFIX.${name}
owner: team@example.com
semantics: A fact of a customer.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields: { id: { from: id, type: string }, tier: { from: tier, type: string } }
${rest}
`;
