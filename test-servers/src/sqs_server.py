"""Starts moto's server for SQS: `sqs_server.py PORT`.

Requests come in threads, and moto's queues are not made for that: a message sent while another is deleted can
vanish, and two receivers can get the same one. So each operation has the queues to itself, and a receive that waits
is woken by what may have brought it a message, and looks by itself only as often as hidden messages need it: dozens
of waiting receivers would otherwise take a core.

Clients give up and ask again. What they gave up is not carried out any more when its turn comes: else a server that
was slow or stood still for a while works on requests that nobody waits for, while everybody who asks again waits
behind them and gives up as well, for ever. Each repeated send would make the queues longer, and moto's work on a queue
grows with its length.
"""

import socket
import sys
import threading
import time

from flask import request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main
from moto.sqs import models
from moto.sqs.models import SQSBackend

LOOK_AGAIN_S = 0.25
alone = threading.RLock()
news = {}


def news_of(queue_name):
    with alone:
        return news.setdefault(queue_name, threading.Condition(alone))


def check_that_somebody_waits():
    """Fails when the client has hung up."""
    client = request.environ["werkzeug.socket"]
    try:
        gone = client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        gone = False
    if gone:
        raise ConnectionAbortedError("nobody waits for the answer")


def one_at_a_time(name):
    original = getattr(SQSBackend, name)

    def operation(self, queue_name, *args, **kwargs):
        with alone:
            check_that_somebody_waits()
            done = original(self, queue_name, *args, **kwargs)
            news_of(queue_name).notify_all()
            return done

    setattr(SQSBackend, name, operation)


def with_waiting_outside(original):
    def receive(self, queue_name, count, wait_seconds_timeout, *args, **kwargs):
        deadline = time.monotonic() + wait_seconds_timeout
        with alone:
            while True:
                check_that_somebody_waits()
                received = original(self, queue_name, count, 0, *args, **kwargs)
                left = deadline - time.monotonic()
                if received or left <= 0:
                    return received
                news_of(queue_name).wait(min(left, LOOK_AGAIN_S))

    return receive


def without_a_look_at_the_disk(dispatch):
    """Who a request is for is found under one lock, in a listing of a folder with hundreds of modules."""

    def get_application(self, environ):
        known = self.app_instances.get("sqs")
        if known is None or not environ.get("HTTP_X_AMZ_TARGET", "").startswith("AmazonSQS."):
            return dispatch(self, environ)
        return known

    return get_application


for operation in (
    "create_queue",
    "get_queue_attributes",
    "set_queue_attributes",
    "send_message",
    "send_message_batch",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "change_message_visibility_batch",
    "purge_queue",
):
    one_at_a_time(operation)
SQSBackend.receive_message = with_waiting_outside(SQSBackend.receive_message)
DomainDispatcherApplication.get_application = without_a_look_at_the_disk(DomainDispatcherApplication.get_application)
# Asked several times of each message at every operation; moto makes and takes apart two dates for it.
models.unix_time_millis = lambda: time.time() * 1000

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
