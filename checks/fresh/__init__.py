"""`python -m checks.fresh`: follows the README on a bare Debian 12, in a chroot, with and without root."""
