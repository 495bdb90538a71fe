# What the Helm chart's tests need: Helm 3 and 4, promtool and helm-docs, built with Go, and Python's checkers.
TOOLS := .tools/bin
CHART_PYTHON := .venv-chart/.ready

ifneq ($(shell command -v go),)
CHART_TOOLS := $(CHART_PYTHON) $(TOOLS)/helm3 $(TOOLS)/helm4 $(TOOLS)/promtool $(TOOLS)/helm-docs
else
CHART_TOOLS := no-go
LEAVE_OUT := --ignore tests/chart
endif

.PHONY: no-go
no-go:
	@echo "Left out: the Helm chart's tests, whose tools are built with Go, which is not here."

$(CHART_PYTHON): tests/chart/requirements.lock
	$(PYTHON) -m venv .venv-chart
	.venv-chart/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

HELM3 := helm.sh/helm/v3
$(TOOLS)/helm3: GO_PACKAGE := $(HELM3)/cmd/helm@v3.22.0
$(TOOLS)/helm4: GO_PACKAGE := helm.sh/helm/v4/cmd/helm@v4.3.1
$(TOOLS)/promtool: GO_PACKAGE := github.com/prometheus/prometheus/cmd/promtool@v0.316.0
$(TOOLS)/helm-docs: GO_PACKAGE := github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
# Helm 3 takes Kubernetes to be 1.20 unless its own build says otherwise.
$(TOOLS)/helm3: KUBERNETES := $(foreach P,pkg/chartutil pkg/lint/rules,\
	-X $(HELM3)/$P.k8sVersionMajor=1 -X $(HELM3)/$P.k8sVersionMinor=37)
$(TOOLS)/promtool: GO_TAGS := -tags remove_all_sd

$(TOOLS)/helm3 $(TOOLS)/helm4 $(TOOLS)/promtool $(TOOLS)/helm-docs: tests/chart/tools.mk
	@mkdir -p $@.build
	GOBIN=$(CURDIR)/$@.build go install $(GO_TAGS) -ldflags '-s -w $(KUBERNETES)' $(GO_PACKAGE)
	@mv $@.build/* $@ && rmdir $@.build
