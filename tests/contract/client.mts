// Registers, orders and reads, with a client whose types were generated from the document.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const baseUrl = process.argv[2];
const anybody = createClient<paths>({ baseUrl });
const password = "a mug for every day";

const registration = { email: "ada@shop.example", full_name: "Ada", password };
const user = await anybody.POST("/api/v1/auth/register", { body: registration });
assert.equal(user.response.status, 201);
const login = await anybody.POST("/api/v1/auth/login", { body: { email: registration.email, password } });
const headers = { authorization: `Bearer ${login.data?.access_token}` };
const ada = createClient<paths>({ baseUrl, headers });
assert.equal((await ada.GET("/api/v1/auth/me")).data?.id, user.data?.id);

const mug = await anybody.GET("/api/v1/products/by-sku/{sku}", { params: { path: { sku: "MUG" } } });
assert.ok(mug.data);
const found = await anybody.GET("/api/v1/products", { params: { query: { q: "product" } } });
assert.deepEqual(found.data?.items.map((one) => one.id), [mug.data.id]);

const order = (quantity: number) =>
  ada.POST("/api/v1/orders", { body: { items: [{ product_id: mug.data.id, quantity }] } });
const placed = await order(2);
assert.ok(placed.data);
assert.equal(placed.data.status, "placed");
assert.equal(placed.data.total.amount, 2 * mug.data.price.amount);
const path = { id: placed.data.id };
const read = await ada.GET("/api/v1/orders/{id}", { params: { path } });
assert.deepEqual(read.data, placed.data);
const mine = await ada.GET("/api/v1/orders");
assert.deepEqual(mine.data?.items.map((one) => one.id), [placed.data.id]);

assert.equal((await order(1000)).error?.code, "insufficient_stock");
const cancelled = await ada.POST("/api/v1/orders/{id}/cancel", { params: { path } });
assert.equal(cancelled.data?.status, "cancelled");
console.log(placed.data.number, cancelled.data?.status);
