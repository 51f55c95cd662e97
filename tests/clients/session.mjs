// SPDX-License-Identifier: Apache-2.0
// What a client of the tests is given, and how it tells what it did: see session.py.
import { readFileSync } from 'node:fs';

const seeded = JSON.parse(readFileSync(process.env.ADIT_CREDENTIALS, 'utf8'));
const [user] = seeded.service_users;

export const session = {
  authority: process.env.ADIT_AUTHORITY,
  api: process.env.ADIT_API,
  clientId: seeded.client_id,
  confidential: seeded.clients[0], // acts as a user of one of the two sites
  keyed: seeded.keyed, // clients with private keys, where there are such
  username: user.username,
  password: user.password,
  site: user.site,
  otherSite: seeded.service_users.find((other) => other.site !== user.site).site,
  plans(site) {
    return `${this.api}/api/v1/sites/${site}/plans`;
  },
};

// Runs one step and says how it went; gives what body returns. The first failure ends the client.
export async function step(name, body) {
  try {
    const result = await body();
    console.log(`ok ${name}`);
    return result;
  } catch (error) {
    console.log(`not ok ${name}: ${error}`.replaceAll('\n', ' '));
    process.exit(1);
  }
}
