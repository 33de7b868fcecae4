#!/usr/bin/env python3
"""A queueing simulation of placing orders, behind the numbers of docs/scaling.md. Python's standard library only.

    deploy/simulate/simulate.py            prints every table, in about a minute
    deploy/simulate/simulate.py pools      one of: load, pools, replicas, loss, rush

An order goes the way of ARCHITECTURE.md: processor of orders; a call to products, which takes a connection and, with it, the
processor of its database; processor of orders again, a connection, the processor of orders' database. Queues are first come,
first served. Arrivals are Poisson, times exponential, so bursts are as bad as independent customers make them.

Times below are processor time per order as measured on one core of a small virtual machine; put in your own.
"""

import argparse
import heapq
import random
from collections import deque

MS = 0.001
ORDERS_CPU = 2.0 * MS
PRODUCTS_CPU = 1.5 * MS
ORDERS_DB = 1.8 * MS
PRODUCTS_DB = 1.7 * MS
# There and back between two processes, or between one and its database.
NETWORK = 0.5 * MS
ACQUIRE_TIMEOUT = 5.0
# server.request_deadline_ms: who waits longer is answered 503.
DEADLINE = 10.0
# An assumption, not measured: how much longer a statement takes for each one at work beyond twice the cores, for locks,
# caches and switches.
CROWDING = 0.001


class Resource:
    def __init__(self, places):
        self.free, self.places, self.waiting = places, places, deque()

    @property
    def busy(self):
        return self.places - self.free + len(self.waiting)


class World:
    """Processes are generators. They yield ('sleep', s), ('take', resource, patience) or ('give', resource)."""

    def __init__(self, seed):
        self.now, self.heap, self.random, self.count = 0.0, [], random.Random(seed), 0

    def at(self, time, process, value=None):
        self.count += 1
        heapq.heappush(self.heap, (time, self.count, process, value))

    def time(self, mean):
        return self.random.expovariate(1 / mean)

    def give(self, resource):
        while resource.waiting:
            process, since, patience = resource.waiting.popleft()
            if self.now - since <= patience:
                self.at(self.now, process, True)
                return
            self.at(self.now, process, False)
        resource.free += 1

    def step(self, process, value):
        try:
            while True:
                wish = process.send(value)
                value = None
                if wish[0] == "sleep":
                    self.at(self.now + wish[1], process)
                    return
                if wish[0] == "give":
                    self.give(wish[1])
                elif wish[1].free > 0:
                    wish[1].free -= 1
                    value = True
                else:
                    wish[1].waiting.append((process, self.now, wish[2]))
                    return
        except StopIteration:
            pass

    def run(self, until):
        while self.heap and self.heap[0][0] < until:
            self.now, _, process, value = heapq.heappop(self.heap)
            self.step(process, value)


class Service:
    """A module: its replicas, each with a core and a pool, and the database they share."""

    def __init__(self, world, replicas, pool, cores, cpu, database):
        self.world, self.cpu, self.database = world, cpu, database
        self.processors = [Resource(1) for _ in range(replicas)]
        self.pools = [Resource(pool) for _ in range(replicas)]
        self.cores, self.at_work = Resource(cores), 0

    def compute(self, replica, mean):
        yield ("take", self.processors[replica], 1e9)
        yield ("sleep", self.world.time(mean))
        yield ("give", self.processors[replica])

    def statement(self, replica):
        """True when it was carried out; False when no connection came free in time."""
        if not (yield ("take", self.pools[replica], ACQUIRE_TIMEOUT)):
            return False
        self.at_work += 1
        yield ("sleep", NETWORK)
        yield ("take", self.cores, 1e9)
        crowd = max(0, self.at_work - 2 * self.cores.places)
        yield ("sleep", self.world.time(self.database) * (1 + CROWDING * crowd))
        yield ("give", self.cores)
        self.at_work -= 1
        yield ("give", self.pools[replica])
        return True

    def pick(self):
        return self.world.random.randrange(len(self.processors))


class Shop:
    def __init__(self, seed=1, replicas=(2, 2), pool=16, cores=(4, 4)):
        self.world = World(seed)
        self.orders = Service(self.world, replicas[0], pool, cores[0], ORDERS_CPU, ORDERS_DB)
        self.products = Service(self.world, replicas[1], pool, cores[1], PRODUCTS_CPU, PRODUCTS_DB)
        self.times, self.failed, self.measured_from = [], 0, 0.0

    def place(self):
        start, orders, products = self.world.now, self.orders, self.products
        mine, theirs = orders.pick(), products.pick()
        yield from orders.compute(mine, ORDERS_CPU / 2)
        yield ("sleep", NETWORK)
        yield from products.compute(theirs, PRODUCTS_CPU)
        done = yield from products.statement(theirs)
        if done:
            yield from orders.compute(mine, ORDERS_CPU / 2)
            done = yield from orders.statement(mine)
        if start < self.measured_from:
            return
        if done and self.world.now - start <= DEADLINE:
            self.times.append(self.world.now - start)
        else:
            self.failed += 1

    def arrivals(self, rate, until):
        while self.world.now < until:
            yield ("sleep", self.world.time(1 / rate(self.world.now)))
            self.world.at(self.world.now, self.place())

    def run(self, rate, seconds=20.0, warm=5.0):
        self.measured_from = warm
        steady = rate if callable(rate) else (lambda _: rate)
        self.world.at(0.0, self.arrivals(steady, warm + seconds))
        self.world.run(warm + seconds + 30)
        return self

    def quantile(self, q):
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] * 1000 if ordered else float("nan")


def table(title, head, rows):
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---:|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def ms(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def load():
    """What waiting does as the busiest processor fills."""
    capacity = 2 / ORDERS_CPU
    rows = []
    for part in [0.3, 0.5, 0.7, 0.8, 0.9, 0.95]:
        shop = Shop().run(part * capacity)
        rows.append([f"{part:.0%}", f"{part * capacity:.0f}", ms(shop.quantile(0.5)), ms(shop.quantile(0.99)), shop.failed])
    table("Two replicas of orders, by how busy their cores are", ["busy", "orders/s", "p50 ms", "p99 ms", "failed"], rows)


def pools():
    """Connections to one database of four cores, near its limit and beyond."""
    rows = []
    for pool in [1, 2, 4, 8, 16, 64]:
        cells = [pool, 4 * pool]
        for part in [0.9, 1.2]:
            shop = Shop(replicas=(8, 4), pool=pool, cores=(16, 4)).run(part * 4 / PRODUCTS_DB)
            cells += [f"{len(shop.times) / 20:.0f}", ms(shop.quantile(0.99)), shop.failed]
        rows.append(cells)
    head = ["pool_max", "connections", "90 %: orders/s", "p99 ms", "failed", "120 %: orders/s", "p99 ms", "failed"]
    table("Four replicas of products on a database of four cores", head, rows)


def replicas():
    """Which replicas an order rate needs when no core shall be busier than 70 per cent."""
    rows = []
    for rate in [200, 500, 1000, 2000]:
        need = lambda cost, busy=0.7: max(2, -(-int(rate * cost * 1000) // int(busy * 1000)))
        orders, products = need(ORDERS_CPU), need(PRODUCTS_CPU)
        cores = (need(ORDERS_DB), need(PRODUCTS_DB))
        shop = Shop(replicas=(orders, products), cores=cores).run(rate)
        rows.append([rate, orders, products, cores[0], cores[1], ms(shop.quantile(0.5)), ms(shop.quantile(0.99)), shop.failed])
    head = ["orders/s", "orders", "products", "cores of orders_db", "of products_db", "p50 ms", "p99 ms", "failed"]
    table("Replicas of one core each, and cores of databases, at 70 %", head, rows)


def loss():
    """One replica of n goes, and the others carry its share."""
    rows = []
    for n in [2, 3, 4, 6]:
        rate = 0.7 * n / ORDERS_CPU
        cells = [n, f"{rate:.0f}", ms(Shop(replicas=(n, n), cores=(8, 8)).run(rate).quantile(0.99))]
        left = Shop(replicas=(n - 1, n), cores=(8, 8)).run(rate)
        busy = 0.7 * n / (n - 1)
        rows.append([*cells, f"{busy:.0%}", ms(left.quantile(0.99)) if busy < 1 else "grows without end"])
    table("Orders at 70 %, and one replica goes", ["replicas", "orders/s", "p99 ms", "then busy", "p99 ms"], rows)


def rush():
    """A sale begins: five times the usual rate for ten seconds."""
    rows = []
    for pool in [8, 16, 64]:
        shop = Shop(replicas=(2, 2), pool=pool, cores=(2, 2))
        shop.run(lambda now: 2000 if 10 < now < 20 else 400, seconds=60)
        rows.append([pool, len(shop.times), shop.failed, ms(shop.quantile(0.5)), ms(shop.quantile(0.99))])
    table("2000 orders/s for ten seconds where 1000 fit", ["pool_max", "placed", "failed", "p50 ms", "p99 ms"], rows)


TABLES = {"load": load, "pools": pools, "replicas": replicas, "loss": loss, "rush": rush}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all of them by default")
    for name in parser.parse_args().tables or TABLES:
        TABLES[name]()
