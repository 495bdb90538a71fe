# What some tests need besides: checkers of the image and the chart, bubblewrap to start the image in, and, built with
# Go, Helm 3 and 4, promtool and helm-docs.
TOOLS := .tools/bin
CHECKERS := .venv-checkers/.ready
BUBBLEWRAP := .venv-checkers/.bubblewrap

ifneq ($(shell command -v go),)
CHART_TOOLS := $(TOOLS)/helm3 $(TOOLS)/helm4 $(TOOLS)/promtool $(TOOLS)/helm-docs
else
CHART_TOOLS := no-go
LEAVE_OUT := --ignore tests/chart
endif

.PHONY: no-go
no-go:
	@echo "Left out: the Helm chart's tests, whose tools are built with Go, which is not here."

$(CHECKERS): tests/checkers.lock
	$(PYTHON) -m venv .venv-checkers
	.venv-checkers/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

$(BUBBLEWRAP): $(CHECKERS)
	@command -v bwrap >/dev/null \
		|| { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install --yes -qq bubblewrap >/dev/null; } \
		|| echo "The image is not started in the tests without bubblewrap: apt-get install bubblewrap"
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

$(TOOLS)/helm3 $(TOOLS)/helm4 $(TOOLS)/promtool $(TOOLS)/helm-docs: tests/tools.mk
	@mkdir -p $@.build
	GOBIN=$(CURDIR)/$@.build go install $(GO_TAGS) -ldflags '-s -w $(KUBERNETES)' $(GO_PACKAGE)
	@mv $@.build/* $@ && rmdir $@.build
