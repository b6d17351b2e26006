// @digitalbazaar/vc as a peer of bench/digitalbazaar.py, which says what the lines mean.
//
// Contexts and the issuer's DID document come from memory; any other URL is an error. Every
// operation is tried once and compared with our result before it may be timed.

import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as rdfc from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {driver} from '@digitalbazaar/did-method-key';
import {createInterface} from 'node:readline';

const SIGN = {
  'eddsa-jcs-2022': () => jcs.createSignCryptosuite(),
  'eddsa-rdfc-2022': () => rdfc.cryptosuite
};
const VERIFY = {
  'eddsa-jcs-2022': () => jcs.createVerifyCryptosuite(),
  'eddsa-rdfc-2022': () => rdfc.cryptosuite
};

const now = new Date('2026-11-21T02:00:00Z');
const documents = new Map();
const operations = [];
let key;

async function documentLoader(url) {
  if(!documents.has(url)) {
    throw new Error(`not loaded offline: ${url}`);
  }
  return {documentUrl: url, document: documents.get(url), contextUrl: null};
}

async function prepare({contexts, seed}) {
  const didKey = driver();
  didKey.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});
  key = await Ed25519Multikey.generate({seed: Buffer.from(seed, 'hex')});
  const {didDocument, methodFor} = await didKey.fromKeyPair({verificationKeyPair: key});
  key.id = methodFor({purpose: 'assertionMethod'}).id;
  key.controller = didDocument.id;
  for(const [url, document] of Object.entries(contexts)) {
    documents.set(url, document);
  }
  for(const url of [didDocument.id, key.id]) {
    documents.set(url, await didKey.get({url}));
  }
}

const VERBS = {
  issue: ({suite, document}) => () => vc.issue({
    credential: structuredClone(document), documentLoader, now,
    suite: new DataIntegrityProof({signer: key.signer(), cryptosuite: SIGN[suite](), date: now})
  }),
  verify: ({suite, secured}) => {
    const text = JSON.stringify(secured);
    return () => vc.verifyCredential({
      credential: JSON.parse(text), documentLoader, now,
      suite: new DataIntegrityProof({cryptosuite: VERIFY[suite]()}),
      checkStatus: () => ({verified: true})
    });
  }
};

async function add(asked) {
  const operation = VERBS[asked.verb](asked);
  const result = await operation();
  if(asked.verb === 'issue' && result.proof.proofValue !== asked.secured.proof.proofValue) {
    throw new Error('another proof value');
  }
  if(asked.verb === 'verify' && !result.verified) {
    throw new Error(`not verified: ${result.error}, ${result.error.errors}`);
  }
  return operations.push(operation) - 1;
}

async function run({run, count}) {
  const operation = operations[run];
  const begun = process.cpuUsage();
  for(let i = 0; i < count; ++i) {
    await operation();
  }
  const {user, system} = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

async function answer(question) {
  if('contexts' in question) {
    await prepare(question);
    return null;
  }
  return 'run' in question ? run(question) : add(question);
}

for await (const line of createInterface({input: process.stdin})) {
  let said;
  try {
    said = {result: await answer(JSON.parse(line))};
  } catch(error) {
    said = {error: String(error)};
  }
  process.stdout.write(JSON.stringify(said) + '\n');
}
