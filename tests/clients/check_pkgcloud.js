// pkgcloud: its compute client.  It has no endpoint setting, so the catalog's region must name the proxy.
'use strict';
const assert = require('assert');
const fs = require('fs');
const truth = JSON.parse(fs.readFileSync(process.env.TRUTH));
const { createRequire } = require('module');
const load = createRequire(process.env.CLIENT_ENV + '/');
const pkgcloud = load('pkgcloud');
const version = process.argv[2], counts = { passed: 0, failed: 0 };
const { alpha, gamma } = truth.images, unique = gamma[100];

function check(what, got, want) {
  let same = true;
  try { assert.deepStrictEqual(got, want); } catch (e) { same = false; }
  counts[same ? 'passed' : 'failed'] += 1;
  console.log(`${same ? 'ok    ' : 'FAILED'} ${what}`);
  if (!same) console.log(`       got  ${JSON.stringify(got)}`.slice(0, 400) + `\n       want ${JSON.stringify(want)}`.slice(0, 400));
}

async function attempt(what, checks) {
  if (!new RegExp(process.env.CHECKS).test(what)) return;
  try { await checks(); } catch (e) { check(`${what}: ${e.message || JSON.stringify(e)}`, 'an exception', 'none'); }
}

const client = (who, region = truth.region) => pkgcloud.compute.createClient({
  provider: 'openstack', keystoneAuthVersion: 'v3', authUrl: truth.auth_url.replace(/\/v3$/, ''), region,
  username: who, password: truth.password, domainId: 'default', tenantId: truth.projects[who], strictSSL: false,
});
const ask = (c, call, ...args) => new Promise((resolve, reject) => c[call](...args, (error, answer) => error ? reject(error) : resolve(answer)));
// The fields that it keeps of an image: it drops metadata, sizes and limits.
const kept = ({ id, name, status, progress, created, updated }) => ({ id, name, status, progress, created, updated });
const ids = images => images.map(i => i.id);

// ---------------------------------------------------------------- writes
const owner = 'omega', member = 'beta', missing = '00000000-0000-4000-8000-00000000dead';

async function glance(method, path, body, who = owner, type = 'application/json') {
  for (let tries = 0; ; tries++) {      // because of other writers on the same services
    const headers = { 'X-Auth-Token': truth.tokens[who], 'Content-Type': type };
    const answer = await fetch(truth.glance_url + path, { method, headers, body: body && JSON.stringify(body) });
    if (answer.status === 404) return null;
    if (answer.ok) return JSON.parse(await answer.text() || '{}');
    if (answer.status !== 500 || tries === 5) throw new Error(`Glance: ${method} ${path}: ${answer.status}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

// Everything that Glance has, except the time of the last write.
async function held({ id, who }) {
  const image = await glance('GET', `/v2/images/${id}`, undefined, who);
  if (!image) return null;
  const { members } = image.visibility === 'shared' ? await glance('GET', `/v2/images/${id}/members`, undefined, who) : {};
  delete image.updated_at;
  return { ...image, members };
}

// An image for some checks, like those of writing.py, which is deleted after them.
async function withImage(attributes, checks, who = owner) {
  const { id } = await glance('POST', '/v2/images', {
    name: 'writing', visibility: truth.itself ? 'private' : 'shared', disk_format: 'raw', container_format: 'bare', min_ram: 64, tags: ['one', 'two'],
    kept: 'as it is', 'kept too': '日本語', colour: 'blue', ...attributes }, who);
  const image = { id, who };
  try {
    if ((await held(image)).visibility === 'shared') await glance('POST', `/v2/images/${id}/members`, { member: truth.projects[member] }, who);
    await checks(image);
  } finally {
    if (await held(image)) {
      await glance('PATCH', `/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }], who, 'application/openstack-images-v2.1-json-patch');
      await glance('DELETE', `/v2/images/${id}`, undefined, who);
    }
  }
}

// One client writes at a time, as in writing.py.
async function alone(checks) {
  for (;;) {
    try { fs.mkdirSync(truth.lock); break; } catch (e) { if (e.code !== 'EEXIST') throw e; }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  try { await checks(); } finally { fs.rmdirSync(truth.lock); }
}

const refused = async (what, status, answer) => check(what, await answer.then(() => 'no error', e => e.statusCode), status);

// It merges metadata and deletes images; it has no calls for single keys.
async function writes(at, c) {
  const first = { colour: 'red', 'a key:of-all_kinds.1': 'Žluťoučký kůň 日本語 م' };
  const odd = { empty: '', blank: ' ', marks: 'qu\'o"te <b>&amp; \\ a/b %41 +plus;semi #?', lines: 'one\ntwo\ttab', long: 'ř'.repeat(255) };
  await withImage({}, async image => {
    let want = await held(image);
    for (const [what, metadata] of [['metadata is set, and nothing else', first], ['set once more', first], ['odd values', odd]]) {
      const answer = await ask(c, 'updateImageMeta', image.id, metadata);
      want = { ...want, ...metadata };
      check(`${at}: ${what}`, await held(image), want);
      check(`${at}: ${what}: the answer has it`, Object.keys(metadata).map(k => answer.metadata[k]), Object.values(metadata));
    }
    for (const [what, metadata] of [['a key that is not ASCII', { 'klíč': 'x' }], ['a long value', { long: 'x'.repeat(256) }], ['a number', { colour: 1 }], ['null', { colour: null }]])
      await refused(`${at}: ${what} is refused`, 400, ask(c, 'updateImageMeta', image.id, metadata));
    check(`${at}: nothing of that is written`, await held(image), want);
  });
  await refused(`${at}: metadata of an image that is not there`, 404, ask(c, 'updateImageMeta', missing, first));
  await withImage({}, async image => withImage({}, async other => {
    const want = await held(other);
    check(`${at}: destroyImage`, await ask(c, 'destroyImage', image.id), { ok: image.id });
    check(`${at}: the image is gone`, await held(image), null);
    check(`${at}: another one is not`, await held(other), want);
    await refused(`${at}: an image that is gone`, 404, ask(c, 'destroyImage', image.id));
    const shown = await ask(c, 'getImage', other.id);
    check(`${at}: destroyImage of an image that it has`, [await ask(c, 'destroyImage', shown), await held(other)], [{ ok: other.id }, null]);
  }));
  await refused(`${at}: an image that never was`, 404, ask(c, 'destroyImage', missing));
  const elsewhere = [[{ protected: true }, owner, 'a protected image'], [{ visibility: 'community' }, member, "another's image"]];
  for (const [attributes, who, what] of elsewhere) await withImage(attributes, async image => {
    const want = await held(image);
    await refused(`${at}: ${what}`, 403, ask(c, 'destroyImage', image.id));
    if (who !== owner) await refused(`${at}: metadata of ${what}`, 403, ask(c, 'updateImageMeta', image.id, first));
    check(`${at}: ${what} is as it was`, await held(image), want);
  }, who);
}

(async () => {
  check('the version', load('pkgcloud/package.json').version, version);
  await attempt('lists', async () => {
    const images = await ask(client('gamma'), 'getImages');
    check(`getImages() gives all ${gamma.length}`, images.map(kept), gamma.map(kept));
    check('getImages(options) too', ids(await ask(client('gamma'), 'getImages', { limit: 5 })), ids(gamma));    // it ignores them
    check('an image by name', ids(images.filter(i => i.name === unique.name)), [unique.id]);
  });
  await attempt('shows', async () => {
    const c = client('alpha'), images = await ask(c, 'getImages');
    check('getImages() of every kind', images.map(kept), alpha.map(kept));
    check('those that are active', ids(images.filter(i => i.status === 'ACTIVE')), ids(alpha.filter(i => i.status === 'ACTIVE')));
    for (const image of alpha) check(`getImage of ${JSON.stringify(image.name)}`, kept(await ask(c, 'getImage', image.id)), kept(image));
    check('getImage of an image that it has', kept(await ask(c, 'getImage', images[0])), kept(alpha[0]));
    check('getImage of nothing', (await ask(c, 'getImage', '00000000-0000-4000-8000-00000000dead').catch(e => e)).statusCode, 404);
  });
  for (const [at, region] of [['catalog', truth.region], ['checking', truth.region_checking]])
    await attempt(`writes, ${at}`, () => alone(() => writes(at, client(owner, region))));
  await attempt('pass-through', async () => {
    check('getServers()', await ask(client('gamma'), 'getServers'), []);
    check('getFlavors()', await ask(client('gamma'), 'getFlavors'), []);
  });
  check('Glance holds 330 images or more for gamma', gamma.length >= 330, true);
  console.log(`${counts.passed} checks passed, ${counts.failed} failed`);
  process.exit(counts.failed > 0 ? 1 : 0);
})();
