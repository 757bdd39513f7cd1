import { ANNA, createWarehouse } from './data.ts';
import { REMEMBER_FIRST_DAY } from './expected-facts.ts';
import { chapter, checked, command, DemoFailure, expectEqual, say, some, table } from './print.ts';
import { expectRun, type Stage } from './stage.ts';
import { readCount } from './warehouse.ts';

export async function fillWarehouse({ options, warehouse }: Pick<Stage, 'options' | 'warehouse'>): Promise<void> {
  chapter(
    'A warehouse full of customers',
    `${warehouse.title}, as a data team leaves it: modeled tables with a key and a column that says when a row changed.`,
  );
  await warehouse.write([...createWarehouse(options.customers, new Date()), REMEMBER_FIRST_DAY]);
  const rows = (name: string) => readCount(warehouse, `select count(*) from ${name}`);
  table(
    ['table', 'rows', 'what it holds'],
    [
      ['marts.customers', await rows('marts.customers'), 'who they are, lifecycle stage, lifetime value'],
      [
        'marts.customer_entitlements',
        await rows('marts.customer_entitlements'),
        'plan, seats and price per product; the support tier follows',
      ],
      ['governance.consents', await rows('governance.consents'), 'what a customer allows: marketing, personalization, profiling'],
      ['raw.product_events', await rows('raw.product_events'), 'logins, reports, invitations'],
    ],
  );
  expectEqual('customers', await rows('marts.customers'), options.customers);
}

export async function loadEverything(stage: Stage): Promise<void> {
  const { headrace, warehouse } = stage;
  chapter(
    'The contracts, and the initial load',
    'Five mappings in mappings/ say which rows become which facts: one governance mapping (consent), two profiles, one command, one behavior. ' +
      'Two of them read the same model. First the files are checked, also against the columns of the warehouse, and the contracts against their frozen versions in contracts/; then the topics are made; then everything is published.',
  );
  const validated = await headrace.run(['validate'], { show: false });
  const verdict = validated.stdout.trimEnd().split('\n').at(-1);
  console.log(verdict);
  await headrace.run(['contracts', 'check', '--frozen']);
  const applied = await headrace.run(['topics', 'apply'], { show: false });
  console.log(`${applied.stdout.trimEnd().split('\n').at(-1)}\n`);
  const runs = await headrace.runTable();
  const rows = (name: string) => readCount(warehouse, `select count(*) from ${name}`);
  const published = expectRun(stage, runs, {
    'customer-consent': { created: await rows('governance.consents') },
    'customer-profile': { created: await rows('marts.customers') },
    'customer-entitlement': { created: await rows('marts.customer_entitlements') },
    'product-event': { created: await rows('raw.product_events') },
  });
  console.log('');
  checked(`${some(published, 'fact')} published, one for each row of four tables; counted by SQL.`);
  checked(
    'No command was sent: for support-priority the first day is a baseline. Nobody wants a hundred thousand tickets moved because a new tool was started.',
  );
}

export async function runAgain(stage: Stage): Promise<void> {
  chapter('A second run', 'Nothing has changed in the warehouse. Rows near the watermark are read again (the lookback), and compared.');
  const runs = await stage.headrace.runTable();
  expectEqual('published facts', expectRun(stage, runs, {}), 0);
  for (const [name, { comparison }] of runs) expectEqual(`${name}, comparison`, comparison, 'incremental');
  console.log('');
  checked('Nothing published.');
}

/** The exact values of one customer, in the warehouse and in the fact. */
export async function showExactValues({ warehouse }: Stage, fact: unknown): Promise<void> {
  const [row] = await warehouse.read(
    `select cast(account_id as varchar), cast(lifetime_value as varchar), ${warehouse.instant('signed_up_at')}
     from marts.customers where customer_no = ${ANNA.number}`,
  );
  const { accountId, lifetimeValue, signedUpAt } = fact as Readonly<Record<string, string>>;
  const [account = null, value = null, signedUp = null] = row ?? [];
  const rounded = String(Number(account));
  if (rounded === account) throw new DemoFailure('the account id was meant to be one that a JavaScript number cannot hold');
  expectEqual('account id', accountId, account);
  expectEqual('lifetime value', lifetimeValue, value);
  expectEqual('time of signing up', signedUpAt, signedUp);
  say('Values arrive to the last digit:');
  table(
    ['column', 'in the warehouse', 'in the fact', 'as a JavaScript number'],
    [
      ['account_id (beyond 2^53)', account ?? '', accountId ?? '', `${rounded}, which is another account`],
      ['lifetime_value (decimal)', value ?? '', lifetimeValue ?? '', ''],
      ['signed_up_at (microseconds)', signedUp ?? '', signedUpAt ?? '', ''],
    ],
  );
}

/** What `--keep` prints. */
export function howToLookAround(brokers: string, topics: readonly string[]): void {
  say('Everything keeps running until Ctrl-C. In another terminal, for example:');
  const [topic = ''] = topics;
  command(`kcat -b ${brokers} -L`);
  command(`kcat -b ${brokers} -t ${topic} -C -e -o beginning -X isolation.level=read_committed -f '%k %h\\n%s\\n\\n' | less`);
  command(`kafka-console-consumer.sh --bootstrap-server ${brokers} --topic ${topic} --from-beginning --isolation-level read_committed`);
  command(`npx tsx demo/consumer.ts ${brokers} ${ANNA.id} ${topics.join(' ')}`);
}
