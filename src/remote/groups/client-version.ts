/** Ordinals of [MQVersion] go by ten patches a minor release, a snapshot before each release, from 4.0.0 on. */
const V4_0_0 = 213;
const ORDINALS_A_MINOR = 20;
const MINORS_A_MAJOR = 10;

/** `5.3.3` of 479; null: older than 4.0.0, which had other rules. */
export const versionText = (ordinal: number): string | null => {
  if (ordinal < V4_0_0) return null;
  const minors = Math.floor((ordinal + 1 - V4_0_0) / ORDINALS_A_MINOR);
  const patch = Math.floor(((ordinal + 1 - V4_0_0) % ORDINALS_A_MINOR) / 2);
  const isSnapshot = (ordinal - V4_0_0) % 2 !== 0;
  return `${4 + Math.floor(minors / MINORS_A_MAJOR)}.${minors % MINORS_A_MAJOR}.${patch}${isSnapshot ? '-SNAPSHOT' : ''}`;
};
