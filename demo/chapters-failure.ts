import { badDeploy, priceRise, rolledBack } from './changes.ts';
import { countCommitted } from './check-topics.ts';
import { chapter, checked, colors, command, count, DemoFailure, expectEqual, say, some } from './print.ts';
import { expectRun, mappingOf, type Stage } from './stage.ts';

const ENTITLEMENT = 'customer-entitlement';

export async function stopABadDeploy(stage: Stage): Promise<void> {
  const { warehouse, headrace, project, system } = stage;
  chapter('A bad deploy', 'A new version of the billing model takes cents for euros: every price is a hundred times what it was.');
  const { topic } = mappingOf(stage, ENTITLEMENT);
  const before = await system.admin.offsets(topic);
  const [broken = 0] = await warehouse.write([badDeploy]);
  await headrace.run(['run', ENTITLEMENT], { expectedCode: 4 });
  expectEqual('facts published by the stopped run', await countCommitted(project.kafka, system.admin, topic, before), 0);
  const [restored = 0] = await warehouse.write([rolledBack]);
  expectEqual('rows rolled back', restored, broken);
  say('\nThe deploy is rolled back:');
  const runs = await headrace.runTable();
  expectRun(stage, runs, {});
  console.log('');
  checked(`Exit code 4 before anything was sent: ${some(broken, 'wrong price')} reached nobody.`);
  checked('After the rollback every row was written twice, and there is nothing to publish: facts are compared, not rows.');
}

export async function killInTheMiddle(stage: Stage): Promise<void> {
  const { warehouse, headrace, project, system } = stage;
  chapter(
    'kill -9 in the middle of a run',
    'Prices of one product rise. The run publishes in small chunks, each a Kafka transaction, and is killed when the fifth is sent but not committed: the worst moment.',
  );
  const { topic } = mappingOf(stage, ENTITLEMENT);
  const [risen = 0] = await warehouse.write([priceRise]);
  const chunk = Math.max(1, Math.ceil(risen / 12));
  const before = await system.admin.offsets(topic);

  const args = ['run', ENTITLEMENT, '--chunk', String(chunk)];
  command(`headrace ${args.join(' ')}`);
  let killed = 0;
  const ended = await headrace.start(args, {
    // For tests: waits where it is told to, so that the kill cannot miss.
    env: { HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: 'after_last_send:5=sleep:60000' },
    onStderr: (text, pid) => {
      if (killed !== 0 || !text.includes('test step')) return;
      killed = pid;
      command(`kill -9 ${pid}`);
      process.kill(pid, 'SIGKILL');
    },
  });
  if (ended.signal !== 'SIGKILL')
    throw new DemoFailure(`the run was not killed; it ended with ${ended.code ?? ended.signal}:\n${ended.stderr}`);
  console.log(colors.red('Killed'));
  const committed = await countCommitted(project.kafka, system.admin, topic, before);
  expectEqual('facts that the killed run committed', committed, 4 * chunk);
  say(
    `Of ${some(risen, 'changed fact')}, ${count(committed)} are committed: four chunks. What was sent of the fifth is seen by no read_committed consumer, ever.\n`,
  );

  const runs = await headrace.runTable();
  expectRun(stage, runs, { [ENTITLEMENT]: { updated: risen - committed } });
  const all = await countCommitted(project.kafka, system.admin, topic, before);
  expectEqual('facts that both runs committed', all, risen);
  console.log('');
  checked(
    `The next run published the other ${count(risen - committed)}, and only those: ${count(committed)} + ${count(risen - committed)} = ${count(all)}.`,
  );
  checked('It did not wait for a lock: the dead process was on this host, and Kafka shut it out (fencing).');
}
