import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ADMIN, Cluster, TLS_FILES } from './support/cluster.ts';
import { runOnCluster } from './support/remote-cli.ts';
import { temporaryDirectory } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const TLS = ['--tls-ca', TLS_FILES.ca, '--tls-cert', TLS_FILES.cert, '--tls-key', TLS_FILES.key];
const KEYS = { MQLITE_ACCESS_KEY: ADMIN.accessKey, MQLITE_SECRET_KEY: ADMIN.secretKey };

describeInterop('a cluster with TLS and signatures', () => {
  it('is spoken to with both; without either, or with a wrong one, it is said what is wrong and no secret is shown', async () => {
    const cluster = await Cluster.start({ brokers: [{ name: 'broker-a' }], tls: true, auth: true });
    const run = (args: readonly string[], env: Readonly<Record<string, string>> = KEYS, tls: readonly string[] = TLS) => runOnCluster([...args, '--namesrv', cluster.namesrv, ...tls], { env });
    const seen: string[] = [];
    try {
      for (const args of [['topics', 'create', 'Secret', '-v'], ['topics', 'list', '--json', '-v'], ['cluster', 'list', '-v']]) {
        const result = await run(args);
        seen.push(result.stdout, result.stderr);
        expect(result, result.stderr).toMatchObject({ code: 0 });
      }
      expect(seen.join()).toContain('Secret');

      const wrongSecret = await run(['topics', 'list', '-v'], { ...KEYS, MQLITE_SECRET_KEY: 'a-wrong-secret' });
      expect([wrongSecret.code, wrongSecret.stdout], wrongSecret.stderr).toEqual([5, '']);
      const wrongUser = await run(['topics', 'list', '-v'], { ...KEYS, MQLITE_ACCESS_KEY: 'nobody' });
      expect([wrongUser.code, wrongUser.stdout], wrongUser.stderr).toEqual([5, '']);
      const unsigned = await run(['topics', 'list', '-v'], {});
      expect([unsigned.code, unsigned.stdout], unsigned.stderr).toEqual([5, '']);
      seen.push(wrongSecret.stderr, wrongUser.stderr, unsigned.stderr);

      const plain = await run(['topics', 'list'], KEYS, []);
      expect([4, 5], plain.stderr).toContain(plain.code);
      expect(plain.stderr).toMatch(/tls/i);
      const untrusted = await run(['topics', 'list'], KEYS, ['--tls']);
      expect([4, 5], untrusted.stderr).toContain(untrusted.code);
      expect(untrusted.stderr).toMatch(/certificate|tls/i);
      const noCertificate = await run(['topics', 'list'], KEYS, ['--tls-ca', TLS_FILES.ca]);
      expect([4, 5], noCertificate.stderr).toContain(noCertificate.code);
      for (const { stderr } of [plain, untrusted, noCertificate]) {
        expect(stderr.trimEnd().split('\n').length, stderr).toBeLessThanOrEqual(2);
        seen.push(stderr);
      }

      const config = temporaryDirectory('config');
      const secretFile = join(config, 'secret');
      writeFileSync(secretFile, `${ADMIN.secretKey}\n`);
      const env = { XDG_CONFIG_HOME: config };
      const created = await runOnCluster(['profile', 'create', 'secure', '--namesrv', cluster.namesrv, ...TLS, '--access-key', ADMIN.accessKey, '--secret-key', `file:${secretFile}`, '--use', '-v'], { env });
      expect(created, created.stderr).toMatchObject({ code: 0 });
      const byProfile = await runOnCluster(['topics', 'list', '-v'], { env });
      expect(byProfile, byProfile.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Secret') as string });
      const shown = await runOnCluster(['profile', 'show', 'secure', '-v'], { env });
      seen.push(created.stdout, created.stderr, byProfile.stdout, byProfile.stderr, shown.stdout, shown.stderr);
      for (const text of seen) for (const secret of [ADMIN.secretKey, 'a-wrong-secret']) expect(text).not.toContain(secret);
    } finally {
      await cluster.end();
    }
  });
});
