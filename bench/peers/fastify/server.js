// SPDX-License-Identifier: ISC
// A peer: Fastify with schemas for what comes in and goes out, pg with named (prepared) statements,
// jose. As many processes as WORKERS says, on 127.0.0.1:PORT; the database from PG*.
import cluster from 'node:cluster'
import Fastify from 'fastify'
import { jwtVerify } from 'jose'
import pg from 'pg'

const COLUMNS = 'id, user_id, title, description, completed, priority, due_date, created_at, updated_at'
const SQL = {
  all: `SELECT ${COLUMNS} FROM tasks WHERE user_id = $1 ORDER BY id DESC LIMIT $2`,
  list: `SELECT ${COLUMNS} FROM tasks WHERE user_id = $1 AND completed = $2 ORDER BY id DESC LIMIT $3`,
  get: `SELECT ${COLUMNS} FROM tasks WHERE user_id = $1 AND id = $2`,
  create: `INSERT INTO tasks (user_id, title, description, priority, due_date)
           VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
  toggle: `UPDATE tasks SET completed = NOT completed, updated_at = now()
           WHERE user_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
}

const text = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const orNull = (type) => ({ ...type, nullable: true })
const taskOut = {
  type: 'object',
  properties: {
    id: { type: 'integer' }, user_id: text, title: text, description: orNull(text), completed: { type: 'boolean' },
    priority: text, due_date: orNull(time), created_at: time, updated_at: time,
  },
}
const priority = { type: 'string', enum: ['low', 'medium', 'high', 'critical'], default: 'medium' }
const taskIn = {
  type: 'object',
  required: ['title'],
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200 },
    description: orNull({ type: 'string', maxLength: 1000 }), priority, due_date: orNull(time),
  },
}
const params = { type: 'object', properties: { user: text, id: { type: 'integer' } } }
const listQuery = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['all', 'pending', 'completed'], default: 'all' },
    limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
}

async function serve () {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({ max: 10 })
  const secret = new TextEncoder().encode(process.env.BETTER_AUTH_SECRET)
  const run = async (name, ...values) => (await pool.query({ name, text: SQL[name], values })).rows
  const app = Fastify()

  app.addHook('onRequest', async (request, reply) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ')
    let claims
    try {
      if (scheme !== 'Bearer') throw new Error('no token')
      claims = (await jwtVerify(token, secret, { algorithms: ['HS256'] })).payload
    } catch {
      return reply.code(401).send({ detail: 'Not authenticated' })
    }
    if (claims.sub !== request.params.user) return reply.code(403).send({ detail: 'Not your tasks' })
  })
  const one = ([task], reply) => task ?? reply.code(404).send({ detail: 'Task not found' })

  app.get('/api/:user/tasks', { schema: { querystring: listQuery, response: { 200: { type: 'array', items: taskOut } } } },
    async ({ params: { user }, query: { status, limit } }) =>
      status === 'all' ? run('all', user, limit) : run('list', user, status === 'completed', limit))
  app.post('/api/:user/tasks', { schema: { body: taskIn, response: { 201: taskOut } } },
    async ({ params: { user }, body }, reply) => {
      const [task] = await run('create', user, body.title, body.description ?? null, body.priority, body.due_date ?? null)
      return reply.code(201).send(task)
    })
  app.get('/api/:user/tasks/:id', { schema: { params, response: { 200: taskOut } } },
    async ({ params: { user, id } }, reply) => one(await run('get', user, id), reply))
  app.patch('/api/:user/tasks/:id/complete', { schema: { params, response: { 200: taskOut } } },
    async ({ params: { user, id } }, reply) => one(await run('toggle', user, id), reply))
  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 1024 })
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork()
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill()
    process.exit(0)
  })
} else {
  await serve()
}
