import { MqliteError } from './errors.ts';

interface AttributeRule {
  readonly describe: string;
  /** false: can only be given when the topic is created. */
  readonly changeable: boolean;
  readonly accepts: (value: string) => boolean;
}

const oneOf = (...values: string[]): Pick<AttributeRule, 'describe' | 'accepts'> => ({
  describe: values.join(', '),
  accepts: (value) => values.includes(value),
});

/** The attributes a topic can have [TopicAttributes]. */
const RULES: ReadonlyMap<string, AttributeRule> = new Map<string, AttributeRule>([
  ['queue.type', { changeable: false, ...oneOf('SimpleCQ', 'BatchCQ') }],
  ['cleanup.policy', { changeable: false, ...oneOf('DELETE', 'COMPACTION') }],
  ['message.type', { changeable: true, ...oneOf('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED') }],
  ['reserve.time', { changeable: true, describe: 'milliseconds, or -1', accepts: (value) => /^(?:-1|\d{1,18})$/.test(value) }],
]);

/** Throws INVALID_INPUT, REFUSED or UNSUPPORTED for a change of attributes that a broker would not take, or that mqlite cannot serve. */
export const validateAttributes = (
  topic: string,
  current: Readonly<Record<string, string>> | null,
  change: Readonly<Record<string, string | null>>,
): void => {
  for (const [name, value] of Object.entries(change)) {
    const rule = RULES.get(name);
    if (rule === undefined) {
      throw new MqliteError('INVALID_INPUT', `unknown topic attribute "${name}"`, { hint: `known are ${[...RULES.keys()].join(', ')}` });
    }
    if (value !== null && !rule.accepts(value)) {
      throw new MqliteError('INVALID_INPUT', `attribute ${name} cannot be "${value}"`, { hint: `give one of: ${rule.describe}` });
    }
    if (current !== null && !rule.changeable && (current[name] ?? null) !== value) {
      throw new MqliteError('REFUSED', `attribute ${name} of topic ${topic} cannot be changed`, {
        hint: 'it is fixed when the topic is created',
      });
    }
    if (current === null && name === 'queue.type' && value === 'BatchCQ') {
      throw new MqliteError('UNSUPPORTED', 'topics with batch queues (queue.type=BatchCQ) are read, not written', {
        hint: 'leave queue.type out',
      });
    }
  }
};
