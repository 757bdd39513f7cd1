/** The SQL that fills the warehouse; the same on DuckDB and PostgreSQL, and the same data each time but for the clock. */

/** The customer whose history the demo follows. */
export const ANNA = { number: 42, id: customerId(42) };
/** Has no right to `automation` at first: that row arrives late. */
export const LATE = { number: 7, id: customerId(7) };
/** Its `analytics` row gets a plan that the contract does not know. */
export const POISONED = { number: 10, id: customerId(10) };

function customerId(number: number): string {
  return `C-${String(number).padStart(7, '0')}`;
}

/** SQL for the id of a customer's number. */
export const idOf = (number: string): string => `'C-' || lpad(cast(${number} as varchar), 7, '0')`;

/** SQL for a whole number from 0 to limit − 1 that looks random: the square of a multiple, modulo a prime, is the same on every engine. */
function random(of: string, salt: number, limit: number): string {
  const x = `((cast(${of} as bigint) * 48271 + ${salt * 7_368_787}) % 2147483647)`;
  return `((${x} * ${x}) % 2147483629 % ${limit})`;
}

const pick = (of: string, salt: number, words: readonly string[]): string =>
  `(array[${words.map((word) => `'${word}'`).join(', ')}])[cast(1 + ${random(of, salt, words.length)} as integer)]`;

/** Cents as a decimal: dividing would make a float in DuckDB. */
const money = (cents: string, type: string): string => `cast(cast(${cents} as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as ${type})`;

const FIRST_NAMES = 'Anna,Ben,Chloé,David,Elif,Felix,Grace,Hugo,Ines,Jonas,Kaito,Lena,Mateo,Nora,Oskar,Priya,Quinn,Rosa,Søren,Tomás'.split(
  ',',
);
const LAST_NAMES =
  'Almeida,Bauer,Costa,Dubois,Eriksen,Fischer,García,Haddad,Ivanova,Jansen,Kowalski,Laurent,Müller,Nguyen,Okafor,Petrov,Rossi,Sato,Tanaka,Weber'.split(
    ',',
  );
const COUNTRIES = 'DE,DE,DE,US,US,US,FR,FR,GB,GB,ES,IT,NL,PL,SE,JP,BR,CA'.split(',');
const STAGES = 'onboarding,active,active,active,active,active,at_risk,dormant'.split(',');
const SEGMENTS = 'smb,smb,smb,smb,smb,smb,mid,mid,mid,ent'.split(',');
const PLANS = 'gold,silver,silver,silver,bronze,bronze,bronze,bronze,bronze,trial'.split(',');
const EVENTS = 'login,login,login,report_viewed,report_exported,dashboard_created,invite_sent,seat_added,integration_connected'.split(',');

const TABLES = [
  'create schema marts',
  'create schema governance',
  'create schema raw',
  `create table marts.customers (customer_id varchar(20) not null, customer_no bigint not null, full_name varchar(200) not null, country varchar(2) not null,
     segment varchar(10) not null, lifecycle_stage varchar(20) not null, account_id bigint not null, lifetime_value decimal(18, 4) not null,
     signed_up_at timestamptz not null, last_seen_at timestamptz, updated_at timestamptz)`,
  `create table marts.customer_entitlements (customer_id varchar(20) not null, customer_no bigint not null, product_code varchar(20) not null,
     plan_code varchar(20) not null, seats integer not null, mrr decimal(10, 2), is_active boolean not null, region varchar(10) not null,
     billing_note varchar(200), started_at timestamptz not null, updated_at timestamptz)`,
  `create table governance.consents (customer_id varchar(20) not null, customer_no bigint not null, purpose varchar(20) not null, granted boolean not null,
     source_system varchar(40), changed_at timestamptz, erased_at timestamptz)`,
  `create table raw.product_events (event_id uuid not null, customer_id varchar(20) not null, event_name varchar(40) not null, properties json,
     occurred_at timestamptz not null, loaded_at timestamptz)`,
];

/** Everything, with rows that changed during the 400 days before `now` (the last of them an hour ago). */
export function createWarehouse(customers: number, now: Date): readonly string[] {
  const anchor = `timestamptz '${now.toISOString().replace('T', ' ').replace('Z', '+00')}'`;
  const ago = (of: string, salt: number, days: number) =>
    `${anchor} - interval '1 second' * (3600 + ${random(of, salt, days * 86_400)}) - interval '1 microsecond' * ${random(of, salt + 1, 1_000_000)}`;
  return [
    ...TABLES,
    insertCustomers('1', String(customers), `${ago('n', 20, 400)}`, ago('n', 22, 1_500)),
    ...[
      { product: 'core', holders: '1 = 1', salt: 100, cents: 1_250 },
      { product: 'analytics', holders: 'customer_no % 5 in (0, 1, 2)', salt: 200, cents: 900 },
      { product: 'automation', holders: `(customer_no % 4 = 0 or customer_no = ${ANNA.number})`, salt: 300, cents: 1_900 },
    ].map((each) => insertEntitlements(each, ago('customer_no', each.salt + 10, 400))),
    // Anna begins with silver.
    `update marts.customer_entitlements set plan_code = 'silver', seats = 12, mrr = 348.00 where customer_no = ${ANNA.number}`,
    `insert into governance.consents
     select customer_id, customer_no, purpose, ${random('customer_no + salt', 402, 10)} < 7,
       ${pick('customer_no + salt', 404, ['preference-center', 'signup-form', 'support-call'])},
       ${ago('customer_no + salt', 406, 400)}, null
     from marts.customers cross join (values ('marketing', 1), ('personalization', 5000001), ('profiling', 9000001)) as purposes(purpose, salt)
     where customer_no % 5 < 2 or customer_no = ${ANNA.number}`,
    `update governance.consents set granted = true where customer_no = ${ANNA.number}`,
    insertEvents('event', Math.floor(customers / 2), customers, ago('n', 500, 30)),
  ];
}

/** Customers from one number to another. */
export function insertCustomers(from: string, to: string, updatedAt: string, signedUpAt: string): string {
  return `insert into marts.customers
    select ${idOf('n')}, n, ${pick('n', 1, FIRST_NAMES)} || ' ' || ${pick('n', 3, LAST_NAMES)}, ${pick('n', 5, COUNTRIES)}, ${pick('n', 7, SEGMENTS)},
      ${pick('n', 9, STAGES)}, 9007199254740992 + n * 7 + 1, ${money(random('n', 11, 90_000_000), 'decimal(18, 4)')} + cast(0.0025 as decimal(18, 4)),
      ${signedUpAt}, ${updatedAt}, ${updatedAt}
    from generate_series(${from}, ${to}) as numbers(n)`;
}

function insertEntitlements(
  { product, holders, salt, cents }: { product: string; holders: string; salt: number; cents: number },
  updatedAt: string,
): string {
  const seats = `(1 + ${random('customer_no', salt + 2, 60)})`;
  const price = `case plan_code when 'gold' then ${cents * 4} when 'silver' then ${cents * 2} else ${cents} end`;
  return `insert into marts.customer_entitlements
    select customer_id, customer_no, '${product}', plan_code, cast(${seats} as integer),
      case when plan_code = 'trial' then null else ${money(`${seats} * (${price}) - ${random('customer_no', salt + 4, 500)}`, 'decimal(10, 2)')} end,
      ${random('customer_no', salt + 6, 50)} <> 0, case when country in ('US', 'CA', 'BR') then 'americas' when country = 'JP' then 'apac' else 'emea' end,
      null, signed_up_at, ${updatedAt}
    from (select *, ${pick('customer_no', salt, PLANS)} as plan_code from marts.customers where ${holders}) as holders`;
}

export function insertEvents(prefix: string, events: number, customers: number, occurredAt: string): string {
  return `insert into raw.product_events
    select cast(md5('${prefix}-' || cast(n as varchar)) as uuid), ${idOf(`1 + ${random('n', 510, customers)}`)}, ${pick('n', 512, EVENTS)},
      cast('{"source":"' || ${pick('n', 514, ['web', 'web', 'ios', 'android', 'api'])} || '","duration_ms":' || cast(${random('n', 516, 90_000)} as varchar) || '}' as json),
      occurred_at, occurred_at + interval '2 seconds'
    from (select n, ${occurredAt} as occurred_at from generate_series(1, ${events}) as numbers(n)) as events`;
}
