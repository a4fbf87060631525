#!/usr/bin/env bash
# One curl line for every route of the shop, in an order in which each of them works. Start a shop first:
#
#   export WEBHOOK_SECRET=whsec_example SHOP_ADMIN_TOKEN=administrator-of-the-examples
#   loadgen shop serve
#   docs/api-examples.sh
#
# Everything goes through the gateway, as from outside; `/health`, `/ready` and `/metrics` are asked of each service.
# The script stops at the first answer that is an error. A test runs it.
set -euo pipefail

shop=${SHOP:-http://127.0.0.1:5921}
# Every service answers /health, /ready and /metrics at its own address.
services=${SERVICES:-$shop http://127.0.0.1:8080 http://127.0.0.1:3001 http://127.0.0.1:3002 http://127.0.0.1:3003 http://127.0.0.1:3004 http://127.0.0.1:3005 http://127.0.0.1:3006}
# The secret that the shop was started with; the provider signs its webhooks with it.
webhook_secret=${WEBHOOK_SECRET:-whsec_example}
# Likewise: opens the catalogue, all orders and the books.
admin="authorization: Bearer ${SHOP_ADMIN_TOKEN:-administrator-of-the-examples}"

curl() { command curl --fail-with-body --silent --show-error --max-time 30 --write-out '\n' "$@"; }
# The value of a text field at the top of a JSON answer, such as `field id <<<"$answer"`.
field() { sed -nE "s/^\{(.*,)?\"$1\":\"([^\"]*)\".*/\2/p"; }
json='content-type: application/json'
unique=$(date +%s)-$$

# Every service: is it well, and how does it fare?
for service in $services; do
    curl "$service/health"
    curl "$service/ready"
    curl --output /dev/null "$service/metrics"
    curl --output /dev/null "$service/openapi.json"
done

# Accounts. The demo account is a customer like any other.
curl -X POST "$shop/api/auth/register" -H "$json" -d "{\"email\":\"ann-$unique@example.com\",\"password\":\"correct horse 1\",\"name\":\"Ann\"}"
answer=$(curl -X POST "$shop/api/auth/login" -H "$json" -d '{"email":"demo@rumshop.com","password":"password123"}')
bearer="authorization: Bearer $(field token <<<"$answer")"
curl "$shop/api/auth/profile" -H "$bearer"

# Products.
curl "$shop/api/products?limit=2"
curl "$shop/api/products/1"
curl "$shop/api/products/search?q=lamp&limit=2"
curl -X POST "$shop/api/products" -H "$admin" -H "$json" -d '{"name":"Test Product","price":99.99}'
curl -X PUT "$shop/api/products/1/stock" -H "$admin" -H "$json" -d '{"stock":1000}'
curl "$shop/api/search?q=lamp&minPrice=5&maxPrice=500&sort=price_asc"
curl "$shop/api/recommendations?productId=1&limit=4"

# A cart belongs to a session; the client chooses its name.
cart=session-$unique
curl -X POST "$shop/api/cart/add" -H "$json" -d "{\"sessionId\":\"$cart\",\"productId\":1,\"quantity\":2}"
curl "$shop/api/cart/$cart"
curl -X PUT "$shop/api/cart/update" -H "$json" -d "{\"sessionId\":\"$cart\",\"productId\":1,\"quantity\":3}"
curl -X DELETE "$shop/api/cart/$cart/item/1"
curl -X DELETE "$shop/api/cart/$cart"

# Orders. The key makes a repeated request harmless; `"payment":"intent"` means that the shopper pays in a second step.
# A guest, who has no token, sends a secret of its own with the key: a repetition is then given the access token again.
answer=$(curl -X POST "$shop/api/orders" -H "$bearer" -H "$json" -H "idempotency-key: key-$unique" -d '{"items":[{"productId":1,"quantity":1}],"email":"ann@example.com","payment":"intent"}')
order=$(field id <<<"$answer")
curl "$shop/api/orders?limit=2" -H "$bearer"
curl "$shop/api/orders/$order" -H "$bearer"
curl -X PUT "$shop/api/orders/$order" -H "$bearer" -H "$json" -d '{"shippingAddress":"1 High Street"}'

# Payment, and what its provider says later.
answer=$(curl -X POST "$shop/api/payment/create-intent" -H "$bearer" -H "$json" -d "{\"orderId\":\"$order\"}")
intent=$(field id <<<"$answer")
curl -X POST "$shop/api/payment/confirm" -H "$bearer" -H "$json" -d "{\"intentId\":\"$intent\",\"paymentMethod\":\"pm_card_visa\"}"
event="{\"id\":\"evt-$unique\",\"type\":\"payment_intent.succeeded\",\"data\":{\"object\":{\"id\":\"$intent\"}}}"
now=$(date +%s)
signature=$(printf '%s' "$now.$event" | openssl dgst -sha256 -hmac "$webhook_secret" | sed 's/.*= *//')
curl -X POST "$shop/api/payment/webhook" -H "$json" -H "webhook-signature: t=$now,v1=$signature" -d "$event"

# Two more orders: one is called off by its status, one by taking it away.
answer=$(curl -X POST "$shop/api/orders" -H "$bearer" -H "$json" -d '{"items":[{"productId":2,"quantity":1}],"payment":"intent"}')
curl -X PUT "$shop/api/orders/$(field id <<<"$answer")/status" -H "$bearer" -H "$json" -d '{"status":"cancelled","reason":"changed my mind"}'
answer=$(curl -X POST "$shop/api/orders" -H "$bearer" -H "$json" -d '{"items":[{"productId":3,"quantity":1}],"payment":"intent"}')
curl -X DELETE "$shop/api/orders/$(field id <<<"$answer")" -H "$bearer"

# The plain order of the AWS order system; the pipeline charges it by itself.
curl -X POST "$shop/api/orders" -H "$json" -H "idempotency-key: plain-$unique" -H "idempotency-secret: $(openssl rand -hex 16)" -d '{"customerId":"123","items":["item1","item2"],"total":99.99}'

# Mail: to the order's own address, once it is true. The pipeline mails by itself; an owner may ask for the same again.
for _ in $(seq 100); do
    [[ $(curl "$shop/api/orders/$order" -H "$bearer" | field status) == reserved ]] && break
    sleep 0.1
done
curl -X POST "$shop/api/notifications/order-confirmation" -H "$bearer" -H "$json" -d "{\"orderId\":\"$order\"}"
curl -X PUT "$shop/api/orders/$order/status" -H "$admin" -H "$json" -d '{"status":"shipped"}'
curl -X POST "$shop/api/notifications/shipping-update" -H "$bearer" -H "$json" -d "{\"orderId\":\"$order\",\"status\":\"shipped\"}"

# The books, for auditors and administrators; `loadgen audit` reads them.
curl "$shop/api/admin/orders?limit=2" -H "$admin"
curl "$shop/api/admin/stock?limit=2" -H "$admin"
curl "$shop/api/admin/charges?limit=2" -H "$admin"
curl "$shop/api/admin/pipeline" -H "$admin"
