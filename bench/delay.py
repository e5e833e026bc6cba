"""A TCP proxy that puts a distance between two ends: python3 delay.py LISTEN-PORT-FILE HOST:PORT RTT-MS MB-PER-S

Each byte arrives half a round trip later, each connection carries so many megabytes a second in each direction, and the
first byte of a connection waits for the round trip that opening it would have cost. The port it listens on (loopback,
chosen by the kernel) is written to LISTEN-PORT-FILE.
"""

import asyncio
import os
import sys

CHUNK = 32 * 1024
# What may be on its way at once in one direction: well over the product of delay and rate.
IN_FLIGHT = 256


async def carry(reader, writer, delay, rate, opening):
    """Moves one direction: bytes leave `reader` at the rate and reach `writer` after the delay."""
    loop = asyncio.get_running_loop()
    on_the_way = asyncio.Queue(IN_FLIGHT)

    async def deliver():
        while True:
            due, data = await on_the_way.get()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    free = loop.time() + opening
    try:
        while True:
            data = await reader.read(CHUNK)
            # A sleep that ran over is made up for; a pause of the sender is not.
            free = max(free, loop.time() - 0.02) + len(data) / rate
            await on_the_way.put((max(free, loop.time()) + delay, data))
            if not data:
                break
            # Reading no faster than the line sends keeps the sender's view of it honest.
            if free - loop.time() > 0.005:
                await asyncio.sleep(free - loop.time())
        await delivery
    except (ConnectionError, OSError):
        delivery.cancel()


async def main(port_file, target, round_trip, megabytes):
    host, port = target.rsplit(":", 1)
    delay, rate = round_trip / 2000, megabytes * 1e6

    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            carry(reader, far_writer, delay, rate, 2 * delay),
            carry(far_reader, writer, delay, rate, 0),
        )
        for end in (writer, far_writer):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=512)
    with open(port_file + ".new", "w") as file:
        file.write("127.0.0.1:%d\n" % server.sockets[0].getsockname()[1])
    os.rename(port_file + ".new", port_file)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
