/** A rule of the protocol taken out of the source: what happens then is that the named test fails. */
export interface Mutation {
  readonly rule: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly find: string;
  readonly replace: string;
  readonly test: { readonly file: string; readonly name: string };
}

const SIMULATION = 'test/run/simulation/rules.test.ts';
const WRITER = 'src/run/writer.ts';
const COMPARISON = 'src/run/comparison.ts';

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'committed-anyway': {
    rule: 'an unknown outcome is looked up in the snapshot topic',
    file: WRITER,
    find: 'const isCommitted = control !== undefined && found.control?.run === control.run && found.control.chunk === control.chunk;',
    replace: 'const isCommitted = control !== undefined;',
    test: { file: SIMULATION, name: '' },
  },
  'never-committed': {
    rule: 'an unknown outcome is looked up in the snapshot topic',
    file: WRITER,
    find: 'const isCommitted = control !== undefined && found.control?.run === control.run && found.control.chunk === control.chunk;',
    replace: 'const isCommitted = false as boolean;',
    test: { file: SIMULATION, name: '' },
  },
  'in-step': {
    rule: 'until a chunk is applied nothing moves the view past it',
    file: WRITER,
    find: `    this.#isInStep = false;
    await transaction.commit();`,
    replace: '    await transaction.commit();',
    test: { file: SIMULATION, name: '' },
  },
  'no-look': {
    rule: 'look before fencing',
    file: WRITER,
    find: 'await lookBeforeFencing(job, view);',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'owner-before-fence': {
    rule: 'another owner is noticed before fencing anew',
    file: WRITER,
    find: 'if (owner !== null && owner.run !== job.runId) throw ownedElsewhere(owner, job.mapping.name, job.clock());',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'owner-after-fence': {
    rule: 'another owner is noticed after fencing anew',
    file: WRITER,
    find: 'if (found.owner !== undefined && found.owner.run !== job.runId) throw ownedElsewhere(found.owner, job.mapping.name, job.clock());',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'second-row': {
    rule: 'a second row for a live identity is refused',
    file: COMPARISON,
    find: 'if (this.#confirmed.has(stored.ordinal) && !this.#ended.has(textOf(slot))) this.#duplicate(row.key);',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'second-row-late': {
    rule: 'a second row for a live identity is refused, whichever is read first',
    file: COMPARISON,
    find: 'if (this.#confirmed.has(stored.ordinal)) this.#duplicate(row.key);\n        else if',
    replace: 'if',
    test: { file: SIMULATION, name: '' },
  },
  'second-new-row': {
    rule: 'two new rows for one identity',
    file: COMPARISON,
    find: `    if (this.#created.has(text)) this.#duplicate(key);
    this.#created.add(text);
  }

  #isRepeated`,
    replace: `    this.#created.add(text);
  }

  #isRepeated`,
    test: { file: SIMULATION, name: '' },
  },
  'second-takeover': {
    rule: 'two rows take over one identity',
    file: COMPARISON,
    find: 'if (this.#created.has(textOf(slot))) this.#duplicate(row.key);',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'same-key': {
    rule: 'a model key twice in one scan, known',
    file: COMPARISON,
    find: `        this.#duplicate(key);
        return;`,
    replace: '        return;',
    test: { file: SIMULATION, name: '' },
  },
  'same-new-key': {
    rule: 'a model key twice in one scan, new',
    file: COMPARISON,
    find: 'if (known === undefined && this.#isRepeated(row)) return;',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'incremental-takeover': {
    rule: 'an incremental run does not decide a take-over',
    file: COMPARISON,
    find: 'else if (!scanWasComplete) throw new NeedsFullComparison();',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'early-progress': {
    rule: 'only the last chunk moves the progress',
    file: 'src/run/publish-changes.ts',
    find: 'await publishOne(job, writer, chunk, { ...unmoved(view), horizon: progress.horizon });',
    replace: 'await publishOne(job, writer, chunk, { ...progress, last: false });',
    test: { file: SIMULATION, name: '' },
  },
  'early-progress-half': {
    rule: 'only the last half of a chunk moves the progress',
    file: WRITER,
    find: '{ ...unmoved(this.#view), horizon: progress.horizon }',
    replace: '{ ...progress, last: false }',
    test: { file: SIMULATION, name: '' },
  },
  'facts-alone': {
    rule: 'facts and snapshot are one transaction',
    file: WRITER,
    find: 'if (quarantined.length > 0) await transaction.send',
    replace: `await transaction.commit();
    transaction = await this.#required(this.#publisher).begin();
    if (quarantined.length > 0) await transaction.send`,
    test: { file: SIMULATION, name: '' },
  },
  'control-alone': {
    rule: 'entries and control are one transaction',
    file: WRITER,
    find: 'const first = await transaction.send(topics.snapshot, 0, records);',
    replace: `const first = await transaction.send(topics.snapshot, 0, records.slice(0, -1));
    await transaction.commit();
    transaction = await this.#required(this.#publisher).begin();
    await transaction.send(topics.snapshot, 0, records.slice(-1));`,
    test: { file: SIMULATION, name: '' },
  },
  'no-first-control': {
    rule: 'a control record before the first fact',
    file: WRITER,
    find: 'if (this.#view.state.control === null) await this.publish([], unmoved(this.#view));',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'no-offset-check': {
    rule: 'offsets never fall',
    file: WRITER,
    find: 'if (offset >= atLeast) return;',
    replace: 'if (offset >= -atLeast) return;',
    test: { file: SIMULATION, name: '' },
  },
  'no-gap-check': {
    rule: 'offsets of one send are contiguous',
    file: 'src/publish/kafka/kafka-publisher.ts',
    find: 'if (expected !== undefined && offset !== expected) throw gap(topic, partition, expected, offset);',
    replace: '',
    test: { file: 'test/publish/kafka/faults.kafka.test.ts', name: 'gets records of somebody else between two blocks: the gap is noticed' },
  },
  'no-halving': {
    rule: 'a transaction that outlived its timeout is halved',
    file: WRITER,
    find: 'if (!isFenced(error) || changes.length < 2)',
    replace: 'if (isFenced(error) || changes.length > -1)',
    test: { file: SIMULATION, name: '' },
  },
  'no-end-of-attempts': {
    rule: 'a chunk is tried three times',
    file: WRITER,
    find: 'if (attempts === 1) throw tooManyAttempts(this.#job, error);',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'never-too-old': {
    rule: 'a copy older than removals are kept for is rebuilt',
    file: 'src/run/recovery.ts',
    find: 'if (isTooOld(job, view)) view.clear();',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'any-snapshot-follows': {
    rule: 'a copy of another snapshot is not brought up to date',
    file: 'src/run/recovery.ts',
    find: 'if (isShrunk || !isSame) throw new OtherSnapshot();',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'no-epoch': {
    rule: 'a copy of another epoch is not brought up to date',
    file: 'src/run/recovery.ts',
    find: 'before.epoch === after.epoch && ',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'all-per-slot': {
    rule: 'the newest record of a slot in a step',
    file: 'src/run/recovery.ts',
    find: 'entries: newestPerSlot(entries)',
    replace: 'entries',
    test: { file: SIMULATION, name: '' },
  },
  'no-recovery': {
    rule: 'recover: the tail of the snapshot topic is read',
    file: 'src/run/recovery.ts',
    find: 'await catchUp(job, view, barrier);',
    replace: 'if (view.state.offset !== barrier) view.apply({ expected: view.state.offset, next: barrier, appliedAtMs: job.clock() });',
    test: { file: SIMULATION, name: '' },
  },
  'ahead-of-kafka': {
    rule: 'a copy that is ahead of Kafka stops the run',
    file: 'src/run/recovery.ts',
    find: 'if (view.state.offset > end) throw aheadOfKafka(job, view, end);',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'foreign-nonce': {
    rule: 'entries of somebody else void the raw fingerprints',
    file: 'src/run/recovery.ts',
    find: 'control, owner, foreign });',
    replace: 'control, owner, foreign: false && foreign });',
    test: { file: SIMULATION, name: '' },
  },
  'dead-lock-holds': {
    rule: 'the lock of a process that is gone does not hold',
    file: 'src/run/local-copy.ts',
    find: 'return holder.pid !== job.pid && processExists(holder.pid);',
    replace: 'return true;',
    test: { file: SIMULATION, name: '' },
  },
  'dead-lease-holds': {
    rule: 'the lease of a process that is gone does not hold',
    file: 'src/run/owner.ts',
    find: 'return owner.pid !== job.pid && processExists(owner.pid);',
    replace: 'return true;',
    test: { file: SIMULATION, name: '' },
  },
  'live-lease-ignored': {
    rule: 'the lease of a live process holds',
    file: 'src/run/owner.ts',
    find: 'return owner.pid !== job.pid && processExists(owner.pid);',
    replace: 'return false;',
    test: { file: SIMULATION, name: '' },
  },
  'early-marks': {
    rule: 'a row is marked as done once its change is published',
    file: COMPARISON,
    find: `this.#newRows.set(textOf(row.key), { key: row.key, ordinal, verdict, raw: null, slot });`,
    replace: `this.#newRows.set(textOf(row.key), { key: row.key, ordinal, verdict, raw: row.raw, slot });
      this.#marks.push({ key: row.key, ordinal, verdict, raw: row.raw, slot });`,
    test: { file: SIMULATION, name: '' },
  },
  'marks-before-publishing': {
    rule: 'a row is marked as done once its change is published',
    file: COMPARISON,
    find: `    this.#parts.emit(leaving === undefined`,
    replace: `    if (row !== null) this.#marks.push(row);
    this.#parts.emit(leaving === undefined`,
    test: { file: SIMULATION, name: '' },
  },
  'waiting-marked': {
    rule: 'what waits for the end of the scan is not marked as done',
    file: COMPARISON,
    find: 'map(({ row }) => ({ ...row, raw: null })));',
    replace: 'map(({ row }) => row));',
    test: { file: SIMULATION, name: '' },
  },
  'missing-marks-stay': {
    rule: 'rows that are gone leave the view',
    file: COMPARISON,
    find: 'if (scanWasComplete) this.#forgetMissingRows();',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'incremental-vanishes': {
    rule: 'only a complete scan says what vanished',
    file: COMPARISON,
    find: 'if (scanWasComplete && this.#rules.endMissing) this.#endVanished();',
    replace: 'if (this.#rules.endMissing) this.#endVanished();',
    test: { file: SIMULATION, name: '' },
  },
  'old-slot': {
    rule: 'a row that moves to another fact gets a new number',
    file: COMPARISON,
    find: 'const moved = { ...mark, ordinal: view.newOrdinal() };',
    replace: 'const moved = { ...mark };',
    test: { file: SIMULATION, name: '' },
  },
  'apply-anywhere': {
    rule: 'a step is applied only where it belongs',
    file: 'src/snapshot/local/local-view.ts',
    find: 'if (state.offset !== step.expected) {',
    replace: 'if (state.offset !== step.expected && step.next < 0) {',
    test: { file: 'test/snapshot/local/local-view.test.ts', name: '' },
  },
  'not-ours': {
    rule: 'another process in the folder is noticed',
    file: 'src/snapshot/local/local-view.ts',
    find: '        this.#mustBeOurs();\n',
    replace: '',
    test: { file: 'test/snapshot/local/local-view.test.ts', name: '' },
  },
  'any-topic': {
    rule: "another topic's copy is not believed",
    file: 'src/snapshot/local/local-view.ts',
    find: 'layout !== LAYOUT || topic !== this.#topic',
    replace: 'layout !== LAYOUT',
    test: { file: 'test/snapshot/local/local-view.test.ts', name: '' },
  },
  'broken-seal': {
    rule: 'a broken seal is not believed',
    file: 'src/snapshot/local/local-view.ts',
    find: "if (sealState !== 'broken' && (sealState",
    replace: "if (((sealState as string) === 'broken') || (sealState",
    test: { file: 'test/snapshot/local/local-view.test.ts', name: '' },
  },
  'horizon-falls': {
    rule: 'the horizon never falls',
    file: 'src/run/horizon.ts',
    find: 'position > before.position && position - before.position >= distance / STEPS',
    replace: 'Math.abs(position - before.position) >= distance / STEPS',
    test: { file: 'test/run/horizon.test.ts', name: '' },
  },
  'reused-producer': {
    rule: 'a new producer after each failure',
    file: WRITER,
    find: 'this.#publisher = await publishers.open({',
    replace: 'this.#publisher ??= await publishers.open({',
    test: { file: SIMULATION, name: '' },
  },
  'no-undecided-look': {
    rule: 'undecided facts are aborted',
    file: WRITER,
    find: '    this.#undecidedFacts.mustBeNone();\n',
    replace: '',
    test: { file: SIMULATION, name: '' },
  },
  'no-undecided-tail': {
    rule: 'undecided snapshot records are aborted',
    file: WRITER,
    find: 'if (offset <= end || attempt > 1 ||',
    replace: 'if (offset > -1 || attempt > 1 ||',
    test: { file: SIMULATION, name: '' },
  },
  'lease-kept': {
    rule: 'the last chunk gives the lease back',
    file: WRITER,
    find: 'ownerOf(this.#job, base.last ? 0 : this.#job.options.leaseMs)',
    replace: 'ownerOf(this.#job, this.#job.options.leaseMs)',
    test: { file: SIMULATION, name: '' },
  },
  'no-floor': {
    rule: 'the version floor of an adoption',
    file: 'src/run/adoption-plan.ts',
    find: "mapping.class === 'behavior' ? 0 : Math.max(control?.versionFloor ?? 0, facts.highestVersion, highestVersion(view))",
    replace: '0 * highestVersion(view)',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'no-clearing': {
    rule: 'entries under a lost key are removed first',
    file: 'src/run/adopt.ts',
    find: 'if (lostKey !== undefined) {',
    replace: 'if (lostKey !== undefined && nextOffsets.length === 0) {',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'clearing-under-new-key': {
    rule: 'clearing is under the old key',
    file: 'src/run/adopt.ts',
    find: 'origin: { ...origin, fingerprint: lostKey, epoch }, ',
    replace: 'origin: { ...origin, epoch }, ',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'clearing-believed': {
    rule: 'an adoption that had begun to clear knows nothing',
    file: 'src/run/adoption-plan.ts',
    find: "if (control === null || control.adoption === 'clearing') return undefined;",
    replace: 'if (control === null) return undefined;',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'same-epoch': {
    rule: 'an adoption begins a new epoch',
    file: 'src/run/adopt.ts',
    find: 'const epoch = randomUUID();',
    replace: 'const epoch = origin.epoch ?? randomUUID();',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'unfinished-adoption': {
    rule: 'an unfinished adoption keeps runs away',
    file: 'src/run/check-origin.ts',
    find: "if (control.adoption !== undefined) stop('an adoption",
    replace: "if (control.adoption !== undefined && around.facts.length === 0) stop('an adoption",
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'merge-same': {
    rule: 'merge: an agreeing entry stays',
    file: 'src/run/adoption-plan.ts',
    find: 'if (isSame) return { ...entry, partition, offset };',
    replace: '',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'merge-version': {
    rule: 'merge: the version goes on above both',
    file: 'src/run/adoption-plan.ts',
    find: 'version: Math.max(entry.version, fact.version),',
    replace: '',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'merge-compacted': {
    rule: 'merge: a fact that a compacted topic lacks never arrived',
    file: 'src/run/adoption-plan.ts',
    find: 'if (isCompacted && hasLiveFact(entry))',
    replace: 'if (isCompacted && hasLiveFact(entry) && fact !== undefined)',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
  'merge-row': {
    rule: 'merge: a live fact keeps its row',
    file: 'src/run/adoption-plan.ts',
    find: 'rowHash: hasLiveFact(fact) ? entry.rowHash : null,',
    replace: '',
    test: { file: 'test/faults/adopt.e2e.test.ts', name: '' },
  },
};
