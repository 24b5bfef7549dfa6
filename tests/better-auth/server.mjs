// SPDX-License-Identifier: ISC
// A real Better Auth on a free port of 127.0.0.1. It makes its tables, prints its URL on a line of
// its own, and serves until its standard input ends.
//
// DATABASE_URL and BETTER_AUTH_SECRET are as for Better Auth itself. ALGORITHM is the JWT plugin's,
// IDS "text" (Better Auth's own), "uuid" or "serial".
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import pg from "pg";

const { DATABASE_URL, ALGORITHM = "EdDSA", IDS = "text" } = process.env;
const server = createServer((request, response) => handler(request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;

const options = {
  baseURL: url,
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 4 }),
  emailAndPassword: { enabled: true },
  emailVerification: { sendVerificationEmail: async ({ token }) => console.log(`verification ${token}`) },
  session: { cookieCache: { enabled: true, strategy: "jwt" } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [bearer(), jwt({ jwks: { keyPairConfig: { alg: ALGORITHM } } })],
  ...(IDS === "text" ? {} : { advanced: { database: { generateId: IDS } } }),
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
const handler = toNodeHandler(betterAuth(options));
console.log(url);
process.stdin.on("end", () => process.exit(0)).resume();
