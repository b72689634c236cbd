from http11 import Headers as Headers
