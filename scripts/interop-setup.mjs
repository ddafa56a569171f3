#!/usr/bin/env node
/**
 * Makes everything that runs in a JVM ready: resolves the RocketMQ jars through Maven and compiles our Java sources
 * against them, so that tests start `java -cp …` directly. Skips what is up to date.
 *
 *   node scripts/interop-setup.mjs [--version 5.5.0] [--offline]
 *
 * Leaves test/interop/java/target/<version>/{classpath.txt,classes/,stamp}. Needs a JDK 17 and Maven; without them it
 * prints one line and exits 3.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const project = join(root, 'test', 'interop', 'java');
const sourceRoots = [join(project, 'src', 'main', 'java'), join(root, 'bench', 'java')];
const NO_JVM_EXIT_CODE = 3;

/** Every .java file under `directory`, sorted. */
function javaFiles(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.java'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What the build depends on, as one hash: version, pom, sources and the JDK. */
function fingerprint(version, files, javaVersion) {
  const hash = createHash('sha256').update(`${version}\n${javaVersion}\n`);
  for (const file of [join(project, 'pom.xml'), ...files]) hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function firstLine(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error || result.status !== 0) return null;
  return `${result.stdout}${result.stderr}`.trim().split('\n')[0] ?? '';
}

function fail(message, exitCode = 1) {
  process.stderr.write(`interop-setup: ${message}\n`);
  process.exit(exitCode);
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: project, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.error) fail(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${command} ${args[0]} failed (exit ${result.status})\n${result.stdout}${result.stderr}`.trimEnd());
}

/** Every jar of the class path is still in Maven's local repository. */
function jarsPresent(classpathFile) {
  return existsSync(classpathFile) && readFileSync(classpathFile, 'utf8').trim().split(':').every((jar) => existsSync(jar));
}

function main() {
  const args = process.argv.slice(2);
  const versionAt = args.indexOf('--version');
  const version = versionAt >= 0 ? args[versionAt + 1] : '5.5.0';
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) fail(`--version needs a release such as 5.5.0, not ${version}`, 2);

  const javac = firstLine('javac', ['-version']);
  if (javac === null) fail('no JDK here (javac not found): install a JDK 17 to run what needs a real broker', NO_JVM_EXIT_CODE);

  const target = join(project, 'target', version);
  const classpathFile = join(target, 'classpath.txt');
  const stampFile = join(target, 'stamp');
  const files = sourceRoots.flatMap(javaFiles);
  const stamp = fingerprint(version, files, javac);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && jarsPresent(classpathFile)) {
    process.stdout.write(`interop-setup: RocketMQ ${version} is up to date\n`);
    return;
  }
  mkdirSync(target, { recursive: true });
  rmSync(stampFile, { force: true });

  if (!jarsPresent(classpathFile)) {
    if (firstLine('mvn', ['-v']) === null) fail('no Maven here (mvn not found): install Maven to fetch the RocketMQ jars', NO_JVM_EXIT_CODE);
    const offline = args.includes('--offline') ? ['-o'] : [];
    run('mvn', ['-q', '-B', ...offline, `-Drocketmq.version=${version}`, 'dependency:build-classpath', `-Dmdep.outputFile=${classpathFile}`]);
  }
  const classes = join(target, 'classes');
  rmSync(classes, { recursive: true, force: true });
  mkdirSync(classes, { recursive: true });
  const classpath = readFileSync(classpathFile, 'utf8').trim();
  run('javac', ['-nowarn', '--release', '17', '-encoding', 'UTF-8', '-proc:none', '-cp', classpath, '-d', classes, ...files]);
  writeFileSync(stampFile, stamp);
  process.stdout.write(`interop-setup: RocketMQ ${version} is ready (${classpath.split(':').length} jars, ${files.length} sources compiled)\n`);
}

main();
