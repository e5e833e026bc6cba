"""A TCP proxy that breaks connections: python3 cut.py LISTEN-ADDRESS-FILE HOST:PORT COUNT-FILE SEED LEAST MOST

Each connection gets a number of bytes from LEAST to MOST (both directions together; 0 0: never cut), drawn from SEED.
Once they are through, both ends are reset. COUNT-FILE holds, twice a second and at the end, what went "up" (towards HOST:PORT)
and "down", and the "connections", "cuts" and changing requests ("changes": POST, PUT, PATCH, DELETE in plain HTTP).
"""

import asyncio
import fcntl
import json
import os
import random
import signal
import socket
import struct
import sys
import termios

CHUNK = 32 * 1024
# Small, so that what an end believes sent is not far ahead of what the other has.
BUFFER = 16 * 1024
CHANGES = (b"POST /", b"PUT /", b"PATCH ", b"DELETE ")

count = {"up": 0, "down": 0, "connections": 0, "cuts": 0, "changes": 0}


def tune(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def emptied(writer):
    """Waits until the kernel has delivered what was written, for a second at most."""
    end = writer.get_extra_info("socket")
    for _ in range(200):
        left = struct.unpack("i", fcntl.ioctl(end.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
        if left == 0:
            return
        await asyncio.sleep(0.005)


def reset(writer):
    end = writer.get_extra_info("socket")
    if end is not None and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Line:
    """One connection and its two directions."""

    def __init__(self, left):
        self.left = left

    async def carry(self, reader, writer, direction):
        while True:
            data = await reader.read(CHUNK)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if direction == "up" and data.startswith(CHANGES):
                count["changes"] += 1
            if self.left is not None:
                data = data[: self.left]
                self.left -= len(data)
            count[direction] += len(data)
            writer.write(data)
            await writer.drain()
            if self.left == 0:
                await emptied(writer)
                raise ConnectionResetError


async def main(address_file, target, count_file, seed, least, most):
    host, port = target.rsplit(":", 1)
    chance = random.Random(seed)

    async def connected(reader, writer):
        count["connections"] += 1
        line = Line(chance.randint(least, most) if most else None)
        tune(writer.get_extra_info("socket"))
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port), limit=CHUNK)
        except OSError:
            # Nobody there: what the client would have seen without us.
            reset(writer)
            return
        tune(far_writer.get_extra_info("socket"))
        for end in (writer, far_writer):
            end.transport.set_write_buffer_limits(0)
        ways = [
            asyncio.create_task(line.carry(reader, far_writer, "up")),
            asyncio.create_task(line.carry(far_reader, writer, "down")),
        ]
        done, going = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        if any(way.exception() for way in done):
            count["cuts"] += line.left == 0
            reset(writer)
            reset(far_writer)
        for way in going:
            way.cancel()
        for end in (writer, far_writer):
            end.close()

    listener = socket.socket()
    # Taken over by accepted connections: a sender's view of the line stays honest.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * BUFFER)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(connected, sock=listener, backlog=512, limit=CHUNK)

    def save():
        with open(count_file + ".new", "w") as file:
            json.dump(count, file)
        os.rename(count_file + ".new", count_file)

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    save()
    with open(address_file + ".new", "w") as file:
        file.write("127.0.0.1:%d\n" % listener.getsockname()[1])
    os.rename(address_file + ".new", address_file)
    async with server:
        while not ended.is_set():
            try:
                await asyncio.wait_for(ended.wait(), 0.5)
            except asyncio.TimeoutError:
                pass
            save()
        # Leaving the block would wait for connections that may stay open.
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7])))
