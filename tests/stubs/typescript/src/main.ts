// main.js ADDRESS TOKEN_FILE SUITE_FILE...: runs the contract suite through the generated TypeScript clients.
//
// One line per call that fails, then `N passed, M failed`.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { type Answers, Clients, refusal } from "./clients.js";
import { difference, fill, type Json, type Kept } from "./expect.js";

interface Row {
  about: string;
  call: string;
  request?: Json;
  requests?: Json[];
  withoutToken?: boolean;
  answer?: Json;
  answers?: Json[];
  error?: { [key: string]: Json };
}

// What is wrong with the answer to a row's call; undefined if nothing is.
async function trouble(clients: Clients, row: Row, kept: Kept): Promise<string | undefined> {
  const requests = (row.requests ?? [row.request ?? {}]).map((request) => fill(request, kept));
  let answers: Answers;
  try {
    answers = await clients.ask(row.call, requests, !row.withoutToken);
  } catch (error) {
    if (!(error instanceof ConnectError) || !row.error) {
      return String(error);
    }
    return difference({ domain: "tandem", ...row.error }, refusal(error), kept, "error");
  }
  if (row.error) {
    return `expected ${JSON.stringify(row.error)}, found an answer`;
  }
  return row.answers
    ? difference(row.answers, answers.each(), kept, "answers")
    : difference(row.answer ?? {}, answers.merged(), kept);
}

async function main(address: string, tokenFile: string, suiteFiles: string[]): Promise<number> {
  const clients = new Clients(address, readFileSync(tokenFile, "utf8").trim());
  const kept: Kept = new Map();
  let passed = 0;
  let failed = 0;
  for (const file of suiteFiles) {
    const rows: Row[] = JSON.parse(readFileSync(file, "utf8")).calls;
    for (const row of rows) {
      const wrong = await trouble(clients, row, kept).catch(String);
      if (wrong === undefined) {
        passed += 1;
      } else {
        failed += 1;
        console.log(`${basename(file)}: ${row.call}: ${row.about}: ${wrong}`);
      }
    }
  }
  clients.close();
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

const [address, tokenFile, ...suiteFiles] = process.argv.slice(2);
if (!address || !tokenFile || suiteFiles.length === 0) {
  console.error("usage: main.js ADDRESS TOKEN_FILE SUITE_FILE...");
  process.exitCode = 2;
} else {
  process.exitCode = await main(address, tokenFile, suiteFiles);
}
