import { showExactValues } from './chapters-load.ts';
import { checkTopic } from './check-topics.ts';
import { readHistory } from './consumer.ts';
import { ANNA } from './data.ts';
import { EXPECTED } from './expected-facts.ts';
import { chapter, checked, command, count, DemoFailure, expectEqual, table } from './print.ts';
import { mappingOf, type Stage } from './stage.ts';

export async function readAsAConsumer(stage: Stage, brokers: string): Promise<void> {
  const topics = ['customer-profile', 'customer-entitlement', 'support-priority', 'customer-consent'].map(
    (name) => mappingOf(stage, name).topic,
  );
  chapter(
    'A consumer',
    `demo/consumer.ts knows Kafka and JSON, and nothing of Headrace. It reads (read_committed) what was ever said about one customer:`,
  );
  command(`npx tsx demo/consumer.ts ${brokers} ${ANNA.id} …`);
  const history = await readHistory(brokers, topics, ANNA.id);
  table(
    ['key', 'version', 'type (ce_type)', 'changed fields, or reason', 'occurred at (ce_time)'],
    history.map(({ key, version, type, what, occurredAt }) => [key, version, type, what, occurredAt]),
  );
  console.log('');
  const automation = history.filter(({ key }) => key.endsWith('"automation"]'));
  expectEqual('versions of the entitlement to automation', automation.map(({ version }) => version).join(), '1,2,3,4');
  expectEqual('its operations', automation.map(({ type }) => type.split('.').at(-1)).join(), 'created,deleted,created,updated');
  checked(
    `The entitlement to automation: taken, lost, taken again, repriced: versions 1 to 4 without a gap. A consumer that keeps the highest version is idempotent.`,
  );
  const commands = history.filter(({ type }) => type.startsWith('support.set_priority'));
  expectEqual('commands', commands.map(({ value }) => (value as { priority: string }).priority).join(), 'P1');
  checked('One command: the upgrade to gold moved the customer to P1.\n');
  const profile = history.findLast(({ type }) => type.startsWith('customer.profile'))?.value;
  await showExactValues(stage, profile);
}

export async function checkEverything(stage: Stage): Promise<void> {
  const { project, warehouse } = stage;
  chapter(
    'The proof',
    'Every topic is read from its first record and folded by key, as a consumer would. The result must equal the warehouse, value by value. ' +
      'What it should be is worked out by other SQL and other code than that of Headrace.',
  );
  const lines: (string | number)[][] = [];
  let facts = 0;
  for (const { mapping, facts: expectedOf } of EXPECTED) {
    const expected = await expectedOf(warehouse);
    const { records, live, equal } = await checkTopic(project.kafka, mappingOf(stage, mapping).topic, expected);
    expectEqual(`${mapping}, live facts`, live, equal);
    lines.push([mapping, records, live, equal]);
    facts += equal;
  }
  if (lines.length !== project.mappings.size) throw new DemoFailure('a mapping was left out of the check');
  table(['mapping', 'records', 'live facts', 'equal to the warehouse'], lines);
  console.log('');
  checked(`${count(facts)} facts equal, 0 lost, 0 doubled. The versions of every key are 1, 2, 3, … without gap or repetition.`);
}
