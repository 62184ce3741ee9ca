/* Debian's luaconf.h asks for this. Nothing is loaded from there: the layer's program is static. */
#define DEB_HOST_MULTIARCH "none"
