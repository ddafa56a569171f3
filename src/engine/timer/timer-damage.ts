/** The timer's own files contradict themselves, each other or the log: they are rebuilt from the messages. */
export class TimerDamage extends Error {}

/** Whoever made them died before it wrote down anything about them: made anew in the same way, and nobody need be told. */
export class TimerHalfMade extends TimerDamage {}
