// Evaluates flags with flagd's own evaluator for JavaScript: an array of {set, asks: [{key, context, now}]} on standard input,
// for each ask {refused} or {value, variant, reason, errorCode} as a JSON array on standard output.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/package.json');
const { FlagdCore } = require('@openfeature/flagd-core');
const silent = { error() {}, warn() {}, info() {}, debug() {} };

function answer(core, { key, context, now }) {
  Date.now = () => now * 1000;
  const flag = core.getFlag(key);
  if (!flag) return { errorCode: 'FLAG_NOT_FOUND' };
  if (flag.state === 'DISABLED') return { reason: 'DISABLED' };
  const { value, variant, reason, errorCode } = flag.evaluate(context, silent);
  return { value, variant, reason, errorCode };
}

function answers({ set, asks }) {
  const core = new FlagdCore(undefined, silent);
  try {
    core.setConfigurations(JSON.stringify(set));
  } catch {
    return asks.map(() => ({ refused: true }));
  }
  return asks.map((ask) => answer(core, ask));
}

const cases = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(cases.map(answers)));
