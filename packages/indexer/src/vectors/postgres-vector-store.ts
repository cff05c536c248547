import { createHash, randomBytes } from "node:crypto";
import {
  type IVectorStore,
  PipeError,
  type ScoredKey,
  type VectorChange,
  type VectorPosition,
  type VectorSpace,
} from "@pipe/core";
import type { Pool, PoolClient } from "pg";
import { checkLimit, checkVector } from "./check-vector.ts";

/** Which database a {@link PostgresVectorStore} uses. */
export type PostgresVectorStoreOptions = {
  /** `postgres://user:password@host:5432/database`; what it leaves out comes from `PGHOST` and the like. */
  readonly connection: string;
  /** Schema of the tables: one an index; default `pipe_index`. */
  readonly schema?: string;
};

/** pgvector's index takes no longer ones; those are compared one by one. */
const mostDimensions = 2_000;
const mostExpansion = 1_000;
/** "PIPE": the first number of all our advisory locks. */
const lock = 0x50495045;
/** PostgreSQL's code for a table that is not there, and how often what reads one begins. */
const undefinedTable = "42P01";
const mostReads = 5;

/**
 * Finds near vectors in PostgreSQL with pgvector, by an HNSW index on inner products. What it holds survives; a schema
 * belongs to one index, which several processes may search at the same time.
 *
 * Its methods throw PipeError `pg-missing` where the package `pg` is not installed, `pgvector-missing`, `vector-invalid`,
 * and what PostgreSQL says.
 */
export class PostgresVectorStore implements IVectorStore {
  readonly #connection: string;
  readonly #schema: string;
  /** Tells apart what several processes build. */
  readonly #token = randomBytes(6).toString("hex");
  #pool: Promise<Pool> | undefined;

  constructor({ connection, schema = "pipe_index" }: PostgresVectorStoreOptions) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
      throw new PipeError("store-invalid", "This is no name of a schema.", {
        expected: "small letters, digits and _",
        got: schema,
      });
    }
    this.#connection = connection;
    this.#schema = schema;
  }

  /** @inheritdoc */
  position(space: VectorSpace): Promise<VectorPosition> {
    return this.#reading(async (client) => {
      const { sequence, generation } = await this.#place(client, space);
      if (generation === 0) return { sequence: 0, rows: 0, worn: false };
      const { rows } = await client.query(`SELECT count(*)::int AS n FROM ${this.#table(space, generation)}`);
      return { sequence, rows: rows[0].n, worn: false };
    });
  }

  /** @inheritdoc */
  async apply(space: VectorSpace, { rows, removed, sequence, rebuild }: VectorChange): Promise<void> {
    for (const { key, vector } of rows) checkVector(space, key, vector);
    const kept = rows.filter(({ vector }) => vector.some((value) => value !== 0));
    const zeros = rows.filter((row) => !kept.includes(row)).map(({ key }) => key);
    await this.#alone(space, async (client) => {
      const { generation, sequence: reached } = await this.#place(client, space);
      const next = rebuild === undefined ? Math.max(1, generation) : generation + 1;
      const table = rebuild === undefined ? this.#table(space, next) : `${this.#schema}.${this.#shadow(space)}`;
      if (rebuild === "first") await client.query(`DROP TABLE IF EXISTS ${table}`);
      // Another process has built one meanwhile, and dropped what others had begun.
      else if (rebuild === "further" && !(await exists(client, table))) return;
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${table} (key bigint PRIMARY KEY, vector vector(${space.dimensions}) NOT NULL)`,
      );
      await client.query(`DELETE FROM ${table} WHERE key = ANY($1::bigint[])`, [[...removed, ...zeros]]);
      await client.query(
        `INSERT INTO ${table} SELECT key, vector::vector FROM unnest($1::bigint[], $2::text[]) AS row (key, vector)
         ON CONFLICT (key) DO UPDATE SET vector = excluded.vector`,
        [kept.map(({ key }) => key), kept.map(({ vector }) => literal(vector))],
      );
      if (rebuild !== undefined && sequence === undefined) return;
      if (rebuild !== undefined) {
        await client.query(`ALTER TABLE ${table} RENAME TO ${this.#name(space, next)}`);
        await this.#dropTables(client, space, next);
      }
      // An index is made faster over all rows than row by row, so a new one waits for the last part.
      if (sequence !== undefined && space.dimensions <= mostDimensions) {
        await client.query(
          `CREATE INDEX IF NOT EXISTS ${this.#name(space, next)}_hnsw ON ${this.#table(space, next)} USING hnsw (vector vector_ip_ops)`,
        );
      }
      await client.query(
        `INSERT INTO ${this.#schema}.spaces VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, generation = excluded.generation`,
        [nameOf(space), sequence ?? reached, next],
      );
    });
  }

  /** @inheritdoc */
  async search(space: VectorSpace, query: Float32Array, limit: number): Promise<readonly ScoredKey[]> {
    checkVector(space, 1, query);
    checkLimit(limit);
    return this.#reading((client) =>
      transaction(client, async () => {
        const { generation } = await this.#place(client, space);
        if (generation === 0) return [];
        const expansion = Math.min(mostExpansion, Math.max(64, 2 * limit));
        // Without the second setting a scan ends after `ef_search` rows, however many are wanted.
        await client.query(`SET LOCAL hnsw.ef_search = ${expansion}; SET LOCAL hnsw.iterative_scan = strict_order`);
        const { rows } = await client.query(
          `SELECT key, -(vector <#> $1::vector) AS score FROM ${this.#table(space, generation)}
           ORDER BY vector <#> $1::vector LIMIT $2`,
          [literal(query), limit],
        );
        return rows.map(({ key, score }) => ({ key: Number(key), score: score as number }));
      }),
    );
  }

  /** Nothing is left to do: a transaction that has ended is kept. */
  async flush(): Promise<void> {
    await Promise.resolve();
  }

  /** @inheritdoc */
  async drop(space: VectorSpace): Promise<void> {
    await this.#alone(space, async (client) => {
      await this.#dropTables(client, space);
      await client.query(`DELETE FROM ${this.#schema}.spaces WHERE name = $1`, [nameOf(space)]);
    });
  }

  /** Ends the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = undefined;
    await pool?.end();
  }

  async #using<T>(body: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await (await (this.#pool ??= this.#connect())).connect();
    try {
      return await body(client);
    } finally {
      client.release();
    }
  }

  /** The same for what reads a table, which another process may replace between two statements. */
  async #reading<T>(body: (client: PoolClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#using(body);
      } catch (error) {
        if ((error as { code?: string }).code !== undefinedTable || attempt === mostReads) throw error;
      }
    }
  }

  /** Changes a space in a transaction while no other process does. */
  #alone(space: VectorSpace, body: (client: PoolClient) => Promise<void>): Promise<void> {
    return this.#using((client) =>
      transaction(client, async () => {
        await client.query("SELECT pg_advisory_xact_lock($1, hashtext($2))", [lock, this.#name(space, 0)]);
        await body(client);
      }),
    );
  }

  /** Drops the tables of a space, but for one generation: also what processes had begun to build. */
  async #dropTables(client: PoolClient, space: VectorSpace, kept?: number): Promise<void> {
    const { rows } = await client.query(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND starts_with(tablename, $2) AND tablename <> $3",
      [this.#schema, `vectors_${nameOf(space)}_`, kept === undefined ? "" : this.#name(space, kept)],
    );
    for (const { name } of rows) await client.query(`DROP TABLE ${this.#schema}.${name}`);
  }

  async #connect(): Promise<Pool> {
    const { default: pg } = await import("pg").catch((cause: unknown) => {
      throw new PipeError("pg-missing", "Vectors in PostgreSQL need the package pg.", { fix: "npm i pg", cause });
    });
    const pool = new pg.Pool({ connectionString: this.#connection, max: 4 });
    // A connection that breaks while nobody uses it is replaced by the pool.
    pool.on("error", () => undefined);
    try {
      // One after the other: two that make the same at once are an error in spite of IF NOT EXISTS.
      await pool.query(`
        BEGIN;
        SELECT pg_advisory_xact_lock(${lock}, 0);
        CREATE EXTENSION IF NOT EXISTS vector;
        CREATE SCHEMA IF NOT EXISTS ${this.#schema};
        CREATE TABLE IF NOT EXISTS ${this.#schema}.spaces
          (name text PRIMARY KEY, sequence bigint NOT NULL, generation int NOT NULL);
        COMMIT`);
      return pool;
    } catch (cause) {
      await pool.end();
      this.#pool = undefined;
      if ((cause as { code?: string }).code !== "58P01" && (cause as { code?: string }).code !== "0A000") throw cause;
      throw new PipeError("pgvector-missing", "This PostgreSQL has no pgvector.", {
        expected: "the extension vector, 0.8 or later",
        fix: "install pgvector on the server",
        cause,
      });
    }
  }

  async #place(client: PoolClient, space: VectorSpace): Promise<{ sequence: number; generation: number }> {
    const { rows } = await client.query(`SELECT sequence, generation FROM ${this.#schema}.spaces WHERE name = $1`, [
      nameOf(space),
    ]);
    // A bigint arrives as text.
    return rows.length === 0
      ? { sequence: 0, generation: 0 }
      : { sequence: Number(rows[0].sequence), generation: rows[0].generation };
  }

  #name(space: VectorSpace, generation: number): string {
    return `vectors_${nameOf(space)}_${generation}`;
  }

  /** Of a table that this store builds beside the one that serves. */
  #shadow(space: VectorSpace): string {
    return `vectors_${nameOf(space)}_new_${this.#token}`;
  }

  #table(space: VectorSpace, generation: number): string {
    return `${this.#schema}.${this.#name(space, generation)}`;
  }
}

async function exists(client: PoolClient, table: string): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
  return rows[0].there as boolean;
}

function nameOf({ id, step, dimensions }: VectorSpace): string {
  return createHash("sha256")
    .update(JSON.stringify([id, step ?? null, dimensions]))
    .digest("hex")
    .slice(0, 16);
}

function literal(vector: Float32Array): string {
  return `[${vector.join(",")}]`;
}

async function transaction<T>(client: PoolClient, body: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    const result = await body();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
