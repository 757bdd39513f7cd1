import { annaComesBack, CLOSED, closeAccounts, type DayChange, dayOfChanges, repairPoison } from './changes.ts';
import { readJson } from './check-topics.ts';
import { chapter, checked, DemoFailure, expectEqual, some, table } from './print.ts';
import { expectRun, type Stage, topicsOfMapping } from './stage.ts';
import { readCount } from './warehouse.ts';

export async function changeForADay(stage: Stage): Promise<void> {
  const { options, warehouse, headrace, project, system } = stage;
  chapter('A day of changes', 'People work, systems write. This is what happens in the warehouse:');
  const changes = Object.entries(dayOfChanges(options.customers)) as [DayChange, { what: string; sql: string }][];
  const counts = await warehouse.write(changes.map(([, { sql }]) => sql));
  const rows = Object.fromEntries(changes.map(([name], i) => [name, counts[i] ?? 0])) as Record<DayChange, number>;
  for (const [name, written] of Object.entries(rows)) if (written === 0) throw new DemoFailure(`the change ${name} found no row to change`);
  table(
    ['rows', 'what happened'],
    changes.map(([name, { what }]) => [rows[name], what]),
  );
  console.log('');

  const runs = await headrace.runTable();
  const published = expectRun(stage, runs, {
    'customer-consent': { updated: rows.withdrawals, deleted: rows.erasures },
    'customer-profile': { created: rows.signups, updated: rows.stages },
    'customer-entitlement': { created: rows.trials + rows.late, updated: rows.upgrades + rows.prices, quarantined: rows.poison },
    'support-priority': { created: rows.trials, updated: rows.upgrades },
    'product-event': { created: rows.events },
  });
  const written = Object.values(rows).reduce((sum, n) => sum + n, 0);
  console.log('');
  checked(`${some(written, 'row')} written, ${some(published, 'fact')} published: exactly those that mean something.`);
  checked(`The ${some(rows.notes + rows.logins, 'row')} of which only unmapped columns changed published nothing.`);
  checked('The late row was found: each run reads 15 minutes behind its watermark again.');
  checked(
    `An upgrade is one row and two facts: the entitlement, and the command that moves the customer to the P1 queue (${some(rows.upgrades, 'time')}).`,
  );

  const [report] = (await readJson(project.kafka, system.admin, topicsOfMapping(stage, 'customer-entitlement').quarantine)) as {
    field: string;
    reason: string;
    message: string;
    columns: string[];
  }[];
  expectEqual('reason of the quarantined row', report?.reason, 'not_in_values');
  checked(
    `The poison row is in quarantine, and held up nobody: field ${report?.field} (column ${report?.columns.join(', ')}), ${report?.reason}. “${report?.message}” ` +
      'Its value is not written there, and what was published of it before stays.',
  );
}

export async function compareAtNight(stage: Stage): Promise<void> {
  const { warehouse, headrace } = stage;
  chapter(
    'The night: rows that are gone',
    'Accounts are closed, and their rows deleted. A deleted row has no time of change, so no incremental run can see it. ' +
      'A full comparison does: by its schedule (models/*.yml), or now.',
  );
  const core = await readCount(warehouse, `select count(*) from marts.customer_entitlements where product_code = 'core' and ${CLOSED}`);
  const [customers = 0, entitlements = 0, consents = 0, anna = 0] = await warehouse.write([
    closeAccounts.customers,
    closeAccounts.entitlements,
    closeAccounts.consents,
    closeAccounts.annasAutomation,
  ]);
  const runs = await headrace.runTable('--full');
  expectRun(stage, runs, {
    'customer-consent': { deleted: consents },
    'customer-profile': { deleted: customers },
    'customer-entitlement': { deleted: entitlements + anna },
    'support-priority': { deleted: core },
  });
  console.log('');
  checked(
    `Deleted, as tombstones: ${some(customers, 'profile')}, ${some(entitlements + anna, 'entitlement')}, ${some(consents, 'consent')}. ` +
      `For the ${some(core, 'command')} the last one is published once more, marked as deleted, before its tombstone.`,
  );
  checked('The poison row is still refused: it was reported once, and is not reported again.');
}

export async function repairInTheMorning(stage: Stage): Promise<void> {
  const { warehouse, headrace } = stage;
  chapter(
    'The next morning: what comes back',
    'The billing team corrects the plan of the poison row; nobody has to touch Headrace for it. And a customer who gave up a product last night takes it again.',
  );
  await warehouse.write([repairPoison, annaComesBack]);
  const runs = await headrace.runTable();
  expectRun(stage, runs, { 'customer-entitlement': { created: 1, updated: 1 } });
  console.log('');
  checked('The repaired row left quarantine by itself, and was published.');
  checked('The returning entitlement goes on with its next version; versions never begin again (chapter 9 shows them).');
}
