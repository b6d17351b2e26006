// Runs @digitalbazaar/vc offline for tests/interop/test_digitalbazaar.py.
//
// stdin:  {"contexts": {url: document}, "tasks": [{"do", "suite", "document", …}]}
// stdout: [{"ok": true, "document"?} | {"ok": false, "error"}], in the order of the tasks
//
// Contexts come from the caller, DIDs are did:key alone, and any other URL is an error.

import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as rdfc from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {driver as didKeyDriver} from '@digitalbazaar/did-method-key';
import jsigs from 'jsonld-signatures';
import {readFileSync} from 'node:fs';

const SIGN = {
  'eddsa-jcs-2022': () => jcs.createSignCryptosuite(),
  'eddsa-rdfc-2022': () => rdfc.cryptosuite
};
const VERIFY = {
  'eddsa-jcs-2022': () => jcs.createVerifyCryptosuite(),
  'eddsa-rdfc-2022': () => rdfc.cryptosuite
};

const {contexts, tasks} = JSON.parse(readFileSync(0, 'utf8'));
const didKey = didKeyDriver();
didKey.use({
  multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from
});

async function documentLoader(url) {
  if(url.startsWith('did:key:')) {
    return {documentUrl: url, document: await didKey.get({url})};
  }
  if(!(url in contexts)) {
    throw new Error(`not loaded offline: ${url}`);
  }
  return {documentUrl: url, document: contexts[url], contextUrl: null};
}

async function signingSuite({suite, seed}) {
  const pair = await Ed25519Multikey.generate({seed: Buffer.from(seed, 'hex')});
  const {didDocument, methodFor} = await didKey.fromKeyPair({verificationKeyPair: pair});
  const {id} = methodFor({purpose: 'assertionMethod'});
  pair.id = id;
  pair.controller = didDocument.id;
  return new DataIntegrityProof({
    signer: pair.signer(), cryptosuite: SIGN[suite](),
    date: new Date('2026-11-21T02:00:00Z')
  });
}

function verifyingSuite({suite}) {
  return [suite].flat().map(
    name => new DataIntegrityProof({cryptosuite: VERIFY[name]()})
  );
}

const now = new Date('2026-11-22T00:00:00Z');

const ACTIONS = {
  async issue(task) {
    const suite = await signingSuite(task);
    return {document: await vc.issue({credential: task.document, suite, documentLoader, now})};
  },
  async present(task) {
    const suite = await signingSuite(task);
    const {document: presentation, challenge, domain} = task;
    const purpose = new jsigs.purposes.AuthenticationProofPurpose({challenge, domain});
    return {
      document: await vc.signPresentation({
        presentation, suite, purpose, challenge, domain, documentLoader, now
      })
    };
  },
  async verify(task) {
    const suite = verifyingSuite(task);
    const checkStatus = () => ({verified: true});
    return checked(await vc.verifyCredential({
      credential: task.document, suite, documentLoader, checkStatus, now
    }));
  },
  async verifyPresentation(task) {
    const suite = verifyingSuite(task);
    const {document: presentation, challenge, domain} = task;
    return checked(await vc.verify({
      presentation, challenge, domain, suite, documentLoader,
      checkStatus: () => ({verified: true}), now
    }));
  }
};

function checked({verified, error}) {
  if(!verified) {
    throw error;
  }
  return {};
}

const answers = [];
for(const task of tasks) {
  try {
    answers.push({ok: true, ...await ACTIONS[task.do](task)});
  } catch(error) {
    const causes = (error.errors ?? []).map(cause => cause.message);
    answers.push({ok: false, error: [error.message, ...causes].join(': ')});
  }
}
process.stdout.write(JSON.stringify(answers));
