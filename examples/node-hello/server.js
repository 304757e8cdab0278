// A web app on Node's own http module: no framework, no dependencies.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const LARGEST_BODY = 16 * 1024 * 1024;
const LONGEST_SLEEP_MS = 60_000;
const port = Number(process.env.PORT || 8000);
const version = process.env.VERSION || readVersion();
let draining = false;

function readVersion() {
  return fs.readFileSync(path.join(__dirname, 'VERSION'), 'utf8').trim();
}

function reply(response, status, body) {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-app-version': version,
    ...(draining && { connection: 'close' }),
  });
  response.end(body);
}

function slow(url, response) {
  const wish = Number(url.searchParams.get('ms') ?? 1000);
  if (!(wish >= 0)) return reply(response, 400, 'ms is a number\n');
  setTimeout(() => reply(response, 200, 'slept\n'), Math.min(wish, LONGEST_SLEEP_MS));
}

function echo(request, response) {
  const parts = [];
  let length = 0;
  request.on('data', (part) => {
    length += part.length;
    if (length <= LARGEST_BODY) parts.push(part);
  });
  request.on('end', () => {
    if (length > LARGEST_BODY) return reply(response, 413, 'at most 16 MiB\n');
    reply(response, 200, Buffer.concat(parts));
  });
}

function answer(request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (request.method === 'POST' && url.pathname === '/echo') return echo(request, response);
  if (url.pathname === '/') return reply(response, 200, `hello from version ${version}\n`);
  if (url.pathname === '/up') return reply(response, 200, 'up\n');
  if (url.pathname === '/slow') return slow(url, response);
  reply(response, 404, 'no such page\n');
}

const server = http.createServer(answer);
server.keepAliveTimeout = 75_000; // longer than the gateway keeps an idle connection, so it is the gateway that closes it
server.headersTimeout = 80_000;
server.listen({ port, host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`version ${version} listens on 127.0.0.1:${port}`);
});

process.on('SIGTERM', () => {
  draining = true;
  server.close(() => console.log('stopped')); // idle connections close now, the others after their answer
});
