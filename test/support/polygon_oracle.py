"""A slow, plain clip of polygons (I. E. Sutherland, G. W. Hodgman, 1974), to hold ours against."""

import math


def rectangle(x, y, length, width, yaw):
    cosine, sine = math.cos(yaw), math.sin(yaw)
    ends = [(length / 2, -width / 2), (length / 2, width / 2)]
    ends += [(-length / 2, width / 2), (-length / 2, -width / 2)]
    return [(x + u * cosine - v * sine, y + u * sine + v * cosine) for u, v in ends]


def clipped(polygon, start, end):
    """What of a polygon lies left of a line."""

    def side(point):
        return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (
            point[0] - start[0]
        )

    result = []
    for one, other in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = side(one), side(other)
        if a >= 0:
            result.append(one)
        if a * b < 0:
            share = a / (a - b)
            result.append(tuple(p + share * (q - p) for p, q in zip(one, other, strict=True)))
    return result


def area(polygon):
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return 0.5 * sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)


def common_area(first, second):
    """Of two boxes x y z dx dy dz yaw, seen from above."""
    one, other = (rectangle(b[0], b[1], b[3], b[4], b[6]) for b in (first, second))
    for start, end in zip(other, other[1:] + other[:1], strict=True):
        one = clipped(one, start, end) if one else one
    return area(one) if one else 0.0
