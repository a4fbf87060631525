# Short commands for the shop in containers; `make` or `make help` lists them. docs/compose.md says more.

# The Compose plugin, or `docker-compose`.
COMPOSE ?= docker compose
SERVICES := gateway orders cart auth payment search recommendations notifications
STORES := postgres redis queue
BACKUPS := backups

prod := cd compose && $(COMPOSE) -f compose.yaml
dev := $(prod) -f compose.dev.yaml
everything := $(prod) -f compose.dev.yaml --profile datadog --profile observe --profile producer

.DEFAULT_GOAL := help
.SUFFIXES:

##@ Start and stop

.PHONY: credentials
credentials: ## Make compose/.env with strong random secrets
	compose/credentials

.PHONY: dev-up
dev-up: compose/.env ## Start everything, every port on this machine's loopback
	$(dev) up --build --detach

.PHONY: dev-down
dev-down: ## Stop it; data stays
	$(everything) down

.PHONY: prod-up
prod-up: compose/.env ## Start everything, the gateway alone published
	$(prod) up --build --detach

.PHONY: prod-down
prod-down: ## Stop it; data stays
	$(everything) down

.PHONY: datadog-up
datadog-up: compose/.env ## Start the shop with the Datadog Agent beside it; needs DD_API_KEY in compose/.env
	@grep -q '^DD_API_KEY=.' compose/.env || { echo "Fill in DD_API_KEY in compose/.env first." >&2; exit 1; }
	OTEL_EXPORTER_OTLP_ENDPOINT=http://datadog:4318 DD_DOGSTATSD_URL=unix:///var/run/datadog/dsd.socket \
	  $(dev) --profile datadog up --detach

.PHONY: observe-up
observe-up: compose/.env ## Start Prometheus, Tempo and Grafana (http://127.0.0.1:3000, user admin) beside it
	OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 $(dev) --profile observe up --detach

.PHONY: build
build: compose/.env ## Build the images
	$(prod) build

##@ Look

.PHONY: ps
ps: ## What runs, and how it is
	$(everything) ps

.PHONY: logs
logs: ## Follow the logs of all, or of one: make logs SERVICE=orders
	$(everything) logs --follow --tail 100 $(SERVICE)

.PHONY: health
health: ## Ask every service and store; fails when one is not well
	@cd compose && status=0; \
	for service in $(SERVICES); do \
	  $(COMPOSE) exec -T $$service shop health --ready --service $$service || status=1; \
	done; \
	$(COMPOSE) exec -T worker shop health --ready-file /tmp/worker.json || status=1; \
	$(COMPOSE) exec -T provider shop health --url http://127.0.0.1:3900/health || status=1; \
	$(COMPOSE) exec -T postgres pg_isready --host=127.0.0.1 --username=rumshop || status=1; \
	$(COMPOSE) exec -T redis redis-cli -h 127.0.0.1 ping || status=1; \
	exit $$status

.PHONY: config
config: compose/.env ## Check the files without starting anything; prints no values
	$(dev) config --quiet

.PHONY: test
test: ## Run all the tests
	scripts/test

##@ Data

.PHONY: db-backup
db-backup: ## Dump the database to backups/, with the date
	@mkdir -p $(BACKUPS) && umask 077 && file="$(BACKUPS)/rumshop-$$(date -u +%Y%m%dT%H%M%SZ).dump" && \
	(cd compose && $(COMPOSE) exec -T postgres pg_dump --username=rumshop --format=custom rumshop) > "$$file.part" && \
	mv "$$file.part" "$$file" && echo "$$file"

.PHONY: db-restore
db-restore: ## Bring a dump back: make db-restore FILE=backups/…
	@test -r "$(FILE)" || { echo "Name a dump: make db-restore FILE=backups/rumshop-….dump" >&2; exit 1; }
	(cd compose && $(COMPOSE) exec -T postgres pg_restore --username=rumshop --dbname=rumshop --clean --if-exists \
	  --single-transaction --exit-on-error) < "$(FILE)"

.PHONY: db-reset
db-reset: confirm ## Remove all data and start anew, as dev-up does: make db-reset CONFIRM=yes
	$(everything) down --volumes
	$(dev) up --build --detach

.PHONY: clean-containers
clean-containers: ## Remove containers and networks; data stays
	$(everything) down --remove-orphans

.PHONY: clean-volumes
clean-volumes: confirm ## Remove containers and all data: make clean-volumes CONFIRM=yes
	$(everything) down --remove-orphans --volumes

.PHONY: clean-all
clean-all: confirm ## Remove containers, data and images: make clean-all CONFIRM=yes
	$(everything) down --remove-orphans --volumes --rmi all

##@ Inside

.PHONY: shell-psql
shell-psql: ## The database's own prompt
	$(prod) exec postgres psql --username=rumshop rumshop

.PHONY: $(addprefix shell-,$(SERVICES) $(STORES) worker producer provider datadog)
shell-gateway: ## A shell in a container: shell-gateway, shell-orders, … shell-postgres, shell-redis, shell-queue
$(addprefix shell-,$(SERVICES) $(STORES) worker producer provider datadog): shell-%:
	$(everything) exec $* sh

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: confirm
confirm:
	@test "$(CONFIRM)" = yes || { echo "This removes data. Say so: make $(MAKECMDGOALS) CONFIRM=yes" >&2; exit 1; }

compose/.env:
	@echo "There is no compose/.env yet; 'make credentials' makes it." >&2; exit 1
