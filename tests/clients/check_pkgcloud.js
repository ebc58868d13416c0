// pkgcloud: its compute client.  It takes no endpoint: the catalog's region must name the proxy.
'use strict';
const assert = require('assert');
const truth = JSON.parse(require('fs').readFileSync(process.env.TRUTH));
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
  try { await checks(); } catch (e) { check(`${what}: ${e.message || JSON.stringify(e)}`, 'an exception', 'none'); }
}

const client = who => pkgcloud.compute.createClient({
  provider: 'openstack', keystoneAuthVersion: 'v3', authUrl: truth.auth_url.replace(/\/v3$/, ''), region: truth.region,
  username: who, password: truth.password, domainId: 'default', tenantId: truth.projects[who], strictSSL: false,
});
const ask = (c, call, ...args) => new Promise((resolve, reject) => c[call](...args, (error, answer) => error ? reject(error) : resolve(answer)));
// All that it keeps of an image: metadata, sizes and limits it throws away.
const kept = ({ id, name, status, progress, created, updated }) => ({ id, name, status, progress, created, updated });
const ids = images => images.map(i => i.id);

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
  await attempt('pass-through', async () => {
    check('getServers()', await ask(client('gamma'), 'getServers'), []);
    check('getFlavors()', await ask(client('gamma'), 'getFlavors'), []);
  });
  check('Glance holds 330 images or more for gamma', gamma.length >= 330, true);
  console.log(`${counts.passed} checks passed, ${counts.failed} failed`);
  process.exit(counts.failed > 0 ? 1 : 0);
})();
