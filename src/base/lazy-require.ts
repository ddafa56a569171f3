import { createRequire } from 'node:module';

/**
 * `require` for packages that are loaded on first use and stay outside the bundle: native addons and codecs that most
 * commands never need. Works in the bundle (CommonJS, where `__filename` exists) and in plain ES modules (tests).
 */
export const lazyRequire: NodeJS.Require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
