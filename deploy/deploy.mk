# What deploy/ is built and tested with; see deploy/README.md.

DEB_PACKAGES := debhelper dpkg-dev
IMAGE_PACKAGES := python3
DEPLOY_TEST_PACKAGES := $(DEB_PACKAGES) $(IMAGE_PACKAGES) lintian devscripts \
  bash-completion fish zsh podman crun iproute2 util-linux python3-pip shellcheck nftables logrotate \
  systemd netcat-openbsd procps

.PHONY: deb deb-test image image-test deploy-test deploy-packages deploy-programs

## A Debian package, in .build-deb.
deb: build
	@deploy/install-packages.sh $(DEB_PACKAGES)
	deploy/build-deb.sh $(BINARY) .build-deb

## A container image as a file that `docker load` and `podman load` take, in .build-image.
image: build
	@deploy/install-packages.sh $(IMAGE_PACKAGES)
	deploy/container/build-image.sh $(BINARY) .build-image

# Each runs in namespaces of its own; a root file system, where one is needed, is an overlay that vanishes with them.
DEPLOY_TEST := MULTIHOMED_BINARY=$(CURDIR)/$(BINARY) PYTHONPATH=$(CURDIR)/.build-deploy/python \
  Tests/sandbox.sh python3 -B -m unittest

# The package under a systemd that boots for it.
DEB_UNDER_SYSTEMD := Tests/systemd.sh $(BINARY) .build-deb/multihomed_*.deb

## Lintian, contents, and a life of the package: installed, started, upgraded, removed, purged.
deb-test: deb deploy-packages
	$(DEPLOY_TEST) deploy.tests.test_deb
	$(DEB_UNDER_SYSTEMD)

image-test: image deploy-programs
	$(DEPLOY_TEST) deploy.tests.test_image

## Everything in deploy/: the packages, the manifests, the alert rules, the dashboard, the guide.
deploy-test: deb image deploy-packages deploy-programs
	$(DEPLOY_TEST) discover -t . -s deploy/tests
	$(DEB_UNDER_SYSTEMD)

deploy-packages:
	@deploy/install-packages.sh $(DEPLOY_TEST_PACKAGES)

## Programs to check with, into .build-deploy: nothing is installed.
deploy-programs: deploy-packages
	@deploy/tests/fetch-programs.sh .build-deploy
