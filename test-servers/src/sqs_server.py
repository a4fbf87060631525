"""Starts moto's server for SQS: `sqs_server.py PORT`.

Requests come in threads, and moto's queues are not made for that: a message sent while another is deleted can
vanish, and two receivers can get the same one. So each operation has the queues to itself, and a receive that waits
is woken by what may have brought it a message, and looks by itself only as often as hidden messages need it: dozens
of waiting receivers would otherwise take a core.

Clients give up and ask again. What they gave up is not carried out any more when its turn comes: else a server that
was slow or stood still for a while works on requests that nobody waits for, while everybody who asks again waits
behind them and gives up as well, for ever.

moto looks at every message of a queue for each that is sent, received, hidden, or deleted, so that a queue which grew long
while a consumer stood still cannot be worked off any more. Here messages are found by their receipt handles, a receive looks
no further than it must, and messages are counted when somebody asks how many there are.
"""

import socket
import sys
import threading
import time

from flask import request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

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


# Messages by each receipt handle that they have had.
received = {}


def remembering(mark_received):
    def mark(self, *args, **kwargs):
        mark_received(self, *args, **kwargs)
        received[self.receipt_handle] = self

    return mark


def visible_messages(queue):
    """Those that a receive may take, one after the other."""
    return (message for message in tuple(queue._messages) if message.visible and not message.delayed)


def delete(queue, receipt_handle):
    if receipt_handle in queue.deleted_messages:
        return
    message = received.get(receipt_handle)
    if message not in queue._messages:
        raise ReceiptHandleIsInvalid()
    queue._messages.remove(message)
    queue.pending_messages.discard(message)
    queue.deleted_messages.update(message.all_receipt_handles)
    for handle in message.all_receipt_handles:
        received.pop(handle, None)


def looking_at_one_message(original):
    """For an operation that looks for the message with a receipt handle."""

    def operation(self, queue_name, receipt_handle, *args, **kwargs):
        queue = self.get_queue(queue_name)
        with alone:
            everything = queue._messages
            message = received.get(receipt_handle)
            queue._messages = [message] if message in everything else []
            try:
                return original(self, queue_name, receipt_handle, *args, **kwargs)
            finally:
                queue._messages = everything

    return operation


def counting_once(original):
    """The counts are among the attributes, and moto puts all attributes together for each that it looks up."""

    def get_queue_attributes(self, queue_name, attribute_names):
        queue = self.get_queue(queue_name)
        with alone:
            messages = queue._messages
            queue.counts = {
                "approximate_number_of_messages": sum(1 for _ in queue.messages),
                "approximate_number_of_messages_delayed": sum(message.delayed for message in messages),
                "approximate_number_of_messages_not_visible": sum(not message.visible for message in messages),
            }
            return original(self, queue_name, attribute_names)

    return get_queue_attributes


def is_not_too_old(self, queue_name, message):
    keep_s = int(self.get_queue(queue_name).message_retention_period)
    return message.sent_timestamp / 1000 + keep_s > time.time()


def without_a_look_at_the_disk(dispatch):
    """Who a request is for is found under one lock, in a listing of a folder with hundreds of modules."""

    def get_application(self, environ):
        known = self.app_instances.get("sqs")
        if known is None or not environ.get("HTTP_X_AMZ_TARGET", "").startswith("AmazonSQS."):
            return dispatch(self, environ)
        return known

    return get_application


Message.mark_received = remembering(Message.mark_received)
Queue.messages = property(visible_messages)
Queue.counts = {}
for count in (
    "approximate_number_of_messages",
    "approximate_number_of_messages_delayed",
    "approximate_number_of_messages_not_visible",
):
    setattr(Queue, count, property(lambda queue, count=count: queue.counts.get(count, 0)))
SQSBackend.get_queue_attributes = counting_once(SQSBackend.get_queue_attributes)
SQSBackend.is_message_valid_based_on_retention_period = is_not_too_old
Queue.delete_message = delete
SQSBackend.change_message_visibility = looking_at_one_message(SQSBackend.change_message_visibility)
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
