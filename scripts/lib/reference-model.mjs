/**
 * What the man page, the pages of commands and the README's list are made of: the manifest in the order and the words in which people read it. Pure.
 *
 * A page is a top-level command or a topic: `{ name, summary, commands }`. A command is
 * `{ id, words, usage, summary, paragraphs, args, flags, examples, schemas }`; an argument or flag `{ label, char?, notes, description }`.
 */

const BIN = 'mqlite';
const GLOBAL = 'GLOBAL';

/** `schemas`: file names of docs/json, each with its title. */
export function referenceModel({ manifest, pjson, reference, schemas }) {
  const visible = Object.entries(manifest.commands).filter(([, command]) => command.hidden !== true);
  const commands = visible.map(([id, command]) => commandModel(id, command, schemas, Object.keys(manifest.commands)));
  const names = [...new Set(commands.map(({ id }) => id.split(':')[0]))];
  const pages = names.map((name) => {
    const own = commands.filter(({ id }) => id.split(':')[0] === name);
    const isTopic = own.some(({ id }) => id !== name);
    return { name, isTopic, summary: isTopic ? pjson.oclif.topics[name]?.description ?? '' : own[0].summary, commands: own };
  });
  const order = (page) => `${page.isTopic ? 1 : 0}${page.name}`;
  pages.sort((left, right) => (order(left) < order(right) ? -1 : 1));
  return {
    bin: BIN, version: pjson.version, description: pjson.description, license: pjson.license,
    pages, globalFlags: globalFlagsOf(visible.map(([, command]) => command)), ...reference,
  };
}

function commandModel(id, command, schemas, ids) {
  const args = Object.values(command.args ?? {}).map((arg) => argumentModel(arg, command.strict === false));
  const flags = Object.values(command.flags).filter((flag) => flag.helpGroup !== GLOBAL && flag.hidden !== true);
  const words = `${BIN} ${id.replaceAll(':', ' ')}`;
  const needed = flags.filter((flag) => flag.required === true).map((flag) => ` --${flag.name}${valueOf(flag)}`).join('');
  return {
    id, words, summary: command.summary ?? '', paragraphs: paragraphsOf(command.description),
    usage: `${words}${args.map(({ label, required }) => ` ${required ? label : `[${label}]`}`).join('')}${needed} [flags]`,
    args, flags: flags.map(flagModel),
    examples: (command.examples ?? []).map((example) => exampleModel(example)),
    schemas: schemasOf(id, schemas, ids),
  };
}

function argumentModel({ name, description = '', required = false, default: preset, options }, isRepeated) {
  const notes = [...(options === undefined ? [] : [`one of ${options.join(', ')}`]), ...(preset === undefined ? [] : [`default: ${preset}`])];
  return { label: `${name.toUpperCase()}${isRepeated ? '...' : ''}`, required, description, notes };
}

function flagModel(flag) {
  const notes = [];
  if (flag.default !== undefined) notes.push(`default: ${flag.default}`);
  if (flag.required === true) notes.push('required');
  if (flag.multiple === true && !/repeat/.test(flag.description ?? '')) notes.push('may be repeated');
  if (flag.dependsOn !== undefined) notes.push(`needs ${flag.dependsOn.map((name) => `--${name}`).join(', ')}`);
  if (flag.exclusive !== undefined) notes.push(`not with ${flag.exclusive.map((name) => `--${name}`).join(', ')}`);
  return { char: flag.char, name: `--${flag.allowNo === true ? '[no-]' : ''}${flag.name}`, value: valueOf(flag).trim(), description: flag.description ?? '', notes };
}

function valueOf(flag) {
  if (flag.type === 'boolean') return '';
  return ` ${flag.helpValue ?? (flag.options === undefined ? flag.name.toUpperCase() : flag.options.join('|'))}`;
}

function globalFlagsOf(commands) {
  const found = new Map();
  for (const { flags } of commands) for (const flag of Object.values(flags)) if (flag.helpGroup === GLOBAL && flag.hidden !== true) found.set(flag.name, flagModel(flag));
  return [...found.values()];
}

/** Line ends of the source are where its lines were full; an empty line is a paragraph. */
function paragraphsOf(description) {
  return (description ?? '').split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ').trim()).filter((paragraph) => paragraph !== '');
}

function exampleModel(example) {
  const { description = '', command } = typeof example === 'string' ? { command: example } : example;
  return { description, command: command.replace(/<%= config\.bin %>/g, BIN).replace(/^\$ /, '') };
}

/** `consume-exec` is `consume` with --exec; `message-get` is a command of its own. */
function schemasOf(id, schemas, ids) {
  const name = id.replaceAll(':', '-');
  const others = ids.filter((other) => other !== id).map((other) => other.replaceAll(':', '-'));
  const belongs = (file) => file === name || (file.startsWith(`${name}-`) && !others.some((other) => file === other || file.startsWith(`${other}-`)));
  return schemas.filter(({ file }) => belongs(file.replace(/\.schema\.json$/, '')));
}
