/** The steps of the flow, in order. Tests end, freeze or delay the process at a step by name; nothing else depends on them. */
export const STEPS = [
  'before_fence',
  'after_fence',
  'in_recovery',
  'recovered',
  'while_mapping',
  'before_first_send',
  'between_sends',
  'after_last_send',
  'commit_sent',
  'after_commit',
  'inside_apply',
  'applied',
  'done',
] as const;

export type Step = (typeof STEPS)[number];

/** Called at each step; may take its time, and may not come back. */
export type ReachStep = (step: Step) => void | Promise<void>;
