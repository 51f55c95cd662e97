// SPDX-License-Identifier: Apache-2.0
// The Postman collection of docs/postman, run by newman. A step is an item of the collection; it
// fails where one of the item's assertions does, where it has none, or where it got no answer.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { session } from './session.mjs';

const newman = createRequire(import.meta.url)('newman');
const collection = fileURLToPath(
  new URL('../../docs/postman/adit.postman_collection.json', import.meta.url));

const values = {
  authority: session.authority,
  api: session.api,
  client_id: session.clientId,
  username: session.username,
  password: session.password,
  site: session.site,
  other_site: session.otherSite,
};

newman.run({
  collection,
  environment: { values: Object.entries(values).map(([key, value]) => ({ key, value })) },
  timeoutRequest: 60000,
}, (error, summary) => {
  if (error) throw error;
  for (const { item, requestError, assertions = [] } of summary.run.executions) {
    const wrong = requestError ?? assertions.find((assertion) => assertion.error)?.error;
    if (wrong) console.log(`not ok ${item.name}: ${wrong.message}`.replaceAll('\n', ' '));
    else if (!assertions.length) console.log(`not ok ${item.name}: it asserts nothing`);
    else console.log(`ok ${item.name}`);
  }
  process.exitCode = summary.run.failures.length ? 1 : 0;
});
