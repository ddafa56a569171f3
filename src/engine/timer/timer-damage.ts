/** The timer's own files contradict themselves, each other or the log: they are rebuilt from the messages. */
export class TimerDamage extends Error {}
